-- The head of the log: one row, and the lock that writers take turns on.
CREATE TABLE log_head (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    hash     TEXT    NOT NULL
) STRICT;

INSERT INTO log_head (one, revision, hash) VALUES (1, 0, '');

-- The log: one event for each revision. Times are microseconds since 1970. Where an event went through no other
-- resource, through_key is empty.
CREATE TABLE events (
    revision       INTEGER NOT NULL PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,
    decision       TEXT    NOT NULL,
    happened_at    INTEGER NOT NULL,
    operation      TEXT    NOT NULL,
    resource       TEXT    NOT NULL,
    resource_key   TEXT    NOT NULL,
    through_key    TEXT    NOT NULL,
    caller         TEXT    NOT NULL,
    caller_name    TEXT    NOT NULL,
    outcome        TEXT    NOT NULL,
    correlation_id TEXT    NOT NULL,
    detail         TEXT    NOT NULL,
    hash           TEXT    NOT NULL
) STRICT;

CREATE INDEX events_by_resource ON events (resource_key, revision);
CREATE INDEX events_by_through ON events (through_key, revision);
CREATE INDEX events_by_decision ON events (decision);
CREATE INDEX events_by_correlation ON events (correlation_id);

-- Every version of every row. A version is current while valid_to is null.
CREATE TABLE resource_rows (
    row_key    TEXT    NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to   INTEGER,
    type_key   TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    sealed     BLOB,
    etag       TEXT    NOT NULL,
    claims     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    PRIMARY KEY (row_key, valid_from)
) STRICT;

CREATE UNIQUE INDEX resource_rows_current ON resource_rows (row_key) WHERE valid_to IS NULL;
CREATE INDEX resource_rows_of_type ON resource_rows (type_key, row_key) WHERE valid_to IS NULL;
CREATE INDEX resource_rows_written ON resource_rows (valid_from);
CREATE INDEX resource_rows_closed ON resource_rows (valid_to) WHERE valid_to IS NOT NULL;

-- Who holds which unique name now.
CREATE TABLE claims (
    claim   TEXT NOT NULL PRIMARY KEY,
    row_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;
