-- What is not as it should be at a portal, and since when.
CREATE TABLE condition (
  portal_id   INTEGER NOT NULL REFERENCES portal ON DELETE CASCADE,
  kind        TEXT NOT NULL,
  since       INTEGER NOT NULL,
  text        TEXT NOT NULL,
  remedy      TEXT NOT NULL,
  acts        TEXT NOT NULL,
  next_try_at INTEGER,
  PRIMARY KEY (portal_id, kind)
) STRICT, WITHOUT ROWID;

-- How the drains of a portal get on. The columns behind the first are of the one that is running.
CREATE TABLE headway (
  portal_id    INTEGER PRIMARY KEY REFERENCES portal ON DELETE CASCADE,
  succeeded_at INTEGER,
  began_at     INTEGER,
  seen_at      INTEGER,
  events       INTEGER,
  changed      INTEGER,
  left_over    INTEGER
) STRICT;
