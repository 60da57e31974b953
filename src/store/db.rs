//! The open database, as a question sees it.

use std::fs::File;

use rusqlite::{CachedStatement, Connection, Params, Result, Row};

/// Statements that are kept prepared: more than this program has.
const STATEMENTS_KEPT: usize = 128;

/// An open database. Every statement is prepared once and kept.
pub(super) struct Db {
    connection: Connection,
    /// Closed after the connection.
    _file: File,
}

impl Db {
    pub(super) fn new(connection: Connection, file: File) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Self {
            connection,
            _file: file,
        }
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql)
    }

    /// Runs a statement and returns how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// The one row of a query.
    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.prepare(sql)?.query_row(params, read)
    }

    /// Runs statements that are needed once, or that open and close transactions.
    pub(super) fn run(&self, statements: &str) -> Result<()> {
        self.connection.execute_batch(statements)
    }

    /// Whether no transaction is open.
    pub(super) fn is_at_rest(&self) -> bool {
        self.connection.is_autocommit()
    }
}
