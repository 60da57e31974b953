//! Whether the account may read contacts at all, asked where it looks as if it might not.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    denied::DENIED_FOR_ALL,
    failure::TidyFailure,
    read::Read,
    verdict::{Verdict, verdict},
};
use crate::{
    bitrix::{Problem, contacts},
    portal::{CallFailure, Portal, Repeat},
    store::ChangeFilter,
};

/// The account's right to read contacts.
pub(super) struct Rights {
    portal: Arc<Portal>,
    /// It was asked in this pass.
    asked: bool,
}

impl Rights {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            asked: false,
        }
    }

    /// A pass begins.
    pub(super) fn begin(&mut self) {
        self.asked = false;
    }

    /// Where a request brought nothing but denied gets: is it those contacts, or the account? It is asked
    /// once a pass.
    ///
    /// # Errors
    /// [`TidyFailure::MayNotRead`] where it is the account.
    pub(super) async fn check(&mut self, read: &[Read]) -> Result<(), TidyFailure> {
        let denied = |read: &&Read| matches!(read, Read::GetFailed(_, Problem::Denied(_)));
        let denied = read.iter().filter(denied).count();
        let alone = read.iter().all(|read| matches!(read, Read::GetFailed(..)));
        if denied == 0 || !alone || self.asked {
            return Ok(());
        }
        self.asked = true;
        let may_read = if denied < DENIED_FOR_ALL {
            // Of a few contacts only one that we have written before can tell.
            match self.last_written().await? {
                Some(known) => self.may_read(known).await?,
                None => true,
            }
        } else {
            self.may_read_any().await?
        };
        if may_read {
            return Ok(());
        }
        Err(TidyFailure::MayNotRead)
    }

    /// The contact that we have written last.
    async fn last_written(&self) -> Result<Option<u64>, TidyFailure> {
        let mut last = None;
        let (store, portal) = (self.portal.store(), self.portal.id);
        let all = ChangeFilter::default();
        store
            .for_each_change(portal, &all, |change| {
                last = Some(change.sent.contact_id);
                ControlFlow::Break(())
            })
            .await?;
        Ok(last)
    }

    async fn may_read(&self, contact: u64) -> Result<bool, TidyFailure> {
        let get = contacts::get(self.portal.contacts(), contact);
        match self.portal.call(&get, Repeat::Freely).await {
            Ok(_) => Ok(true),
            Err(CallFailure::Problem(problem)) => match verdict(problem) {
                Verdict::Denied(_) => Ok(false),
                Verdict::Everybody(problem) => Err(problem.into()),
                _ => Ok(true),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    async fn may_read_any(&self) -> Result<bool, TidyFailure> {
        let family = self.portal.contacts();
        let first = contacts::walk(family, 0, None);
        let reply = self.portal.call(&first, Repeat::Freely).await?;
        Ok(!contacts::read_list(family, reply.result, None)?.is_empty())
    }
}
