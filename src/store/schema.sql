-- Version 1. Times are unix milliseconds.

-- An authorised portal: the application (client_id) on one portal (member_id).
CREATE TABLE portal (
  id                INTEGER PRIMARY KEY,
  member_id         TEXT NOT NULL,
  client_id         TEXT NOT NULL,
  url               TEXT NOT NULL,             -- as configured when the tokens were stored
  endpoint          TEXT NOT NULL,             -- the REST address; follows a rename of the portal
  server_endpoint   TEXT,                      -- the authorisation server's own word on its address
  access_token      TEXT NOT NULL,
  refresh_token     TEXT NOT NULL,
  access_expires_at INTEGER,
  user_id           INTEGER,
  stored_at         INTEGER NOT NULL,          -- of this pair of tokens
  unverified        TEXT,                      -- why the tokens may not be used for a drain
  lost              TEXT,                      -- why the portal no longer accepts us
  plan_confirms     INTEGER,                   -- rest_offline_extended
  plan_connector    INTEGER,                   -- rest_auth_connector
  guards_work       INTEGER,
  paused_at         INTEGER,
  braked_until      INTEGER,                   -- max_changes_per_hour was reached
  stand_in          INTEGER NOT NULL DEFAULT 0, -- we bound the queue without connector, as the plan lacks it
  pace              TEXT,                      -- the model of the portal's execution time, as JSON
  UNIQUE (member_id, client_id)
) STRICT;

-- How far a queue (the portal's, for one connector) is known to be complete.
CREATE TABLE cursor (
  portal_id      INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  connector      TEXT NOT NULL,
  complete_until INTEGER,
  gap_since      INTEGER,                      -- changes from here on may have passed us by
  swept_to_id    INTEGER NOT NULL DEFAULT 0,   -- the sweep of that gap is this far
  PRIMARY KEY (portal_id, connector)
) STRICT, WITHOUT ROWID;

-- Rows of the offline queue that are ours: reserved in the portal, or taken away from it.
CREATE TABLE event (
  portal_id   INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  connector   TEXT NOT NULL,
  row_id      INTEGER NOT NULL,
  process_id  TEXT NOT NULL,                   -- '' on a plan without confirmation
  taken       INTEGER NOT NULL,                -- 0: listed, but still in the portal's queue
  error       INTEGER NOT NULL,                -- was an error row (ERROR=1)
  event_name  TEXT NOT NULL,
  contact_id  INTEGER,                         -- none where the row names no contact
  changed_at  INTEGER,                         -- TIMESTAMP_X
  stored_at   INTEGER NOT NULL,
  attempts    INTEGER NOT NULL DEFAULT 0,
  next_try_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (portal_id, connector, row_id)
) STRICT, WITHOUT ROWID;

-- Contacts that the portal refuses for good.
CREATE TABLE parked (
  portal_id   INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  contact_id  INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  parked_at   INTEGER NOT NULL,
  next_try_at INTEGER NOT NULL,
  PRIMARY KEY (portal_id, contact_id)
) STRICT, WITHOUT ROWID;

-- Contacts whose names another robot keeps changing back.
CREATE TABLE contested (
  portal_id  INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  contact_id INTEGER NOT NULL,
  ours       TEXT NOT NULL,
  theirs     TEXT NOT NULL,
  since      INTEGER NOT NULL,
  until      INTEGER NOT NULL,
  resumed_at INTEGER,                          -- the truce is over: writes are counted anew from here
  PRIMARY KEY (portal_id, contact_id)
) STRICT, WITHOUT ROWID;

-- What must be left alone: a whole contact (field '') or one value of a field, after an undo.
CREATE TABLE ignored (
  portal_id  INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  contact_id INTEGER NOT NULL,
  field      TEXT NOT NULL,
  value      TEXT NOT NULL,
  since      INTEGER NOT NULL,
  PRIMARY KEY (portal_id, contact_id, field)
) STRICT, WITHOUT ROWID;

-- One pass over a portal: a drain, a sweep, an undo.
CREATE TABLE run (
  id         INTEGER PRIMARY KEY,
  portal_id  INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  kind       TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  events     INTEGER NOT NULL DEFAULT 0,
  changed    INTEGER NOT NULL DEFAULT 0,
  requests   INTEGER NOT NULL DEFAULT 0,
  outcome    TEXT
) STRICT;
CREATE INDEX run_by_portal ON run (portal_id, id);

-- Every field we wrote. A row is 'sent' before its request leaves and 'written' once the portal said so.
CREATE TABLE change (
  id         INTEGER PRIMARY KEY,
  portal_id  INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  run_id     INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  contact_id INTEGER NOT NULL,
  field      TEXT NOT NULL,
  old        TEXT NOT NULL,
  new        TEXT NOT NULL,
  rule       TEXT NOT NULL,
  kind       TEXT NOT NULL,
  outcome    TEXT NOT NULL CHECK (outcome IN ('sent', 'written'))
) STRICT;
CREATE INDEX change_by_contact ON change (portal_id, contact_id, at);
CREATE INDEX change_unanswered ON change (portal_id, contact_id) WHERE outcome = 'sent';
CREATE INDEX change_by_time ON change (portal_id, at);

-- The portal's request bucket: per address, shared by all processes on this store.
CREATE TABLE bucket (
  host  TEXT PRIMARY KEY,
  level REAL NOT NULL,
  as_of INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbers for monitoring; they only grow, or are the moment of the last event of a kind.
CREATE TABLE tally (
  portal_id INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  name      TEXT NOT NULL,
  labels    TEXT NOT NULL,
  value     REAL NOT NULL,
  PRIMARY KEY (portal_id, name, labels)
) STRICT, WITHOUT ROWID;

-- Walks over all contacts that were begun and are not finished, as the command that began them left them.
CREATE TABLE walk (
  portal_id INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  purpose   TEXT NOT NULL,
  reached   INTEGER NOT NULL,                  -- everything up to this contact is done
  state     TEXT NOT NULL,                     -- what the command counted so far, as JSON
  begun_at  INTEGER NOT NULL,
  PRIMARY KEY (portal_id, purpose)
) STRICT, WITHOUT ROWID;
