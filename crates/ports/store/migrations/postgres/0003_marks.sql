-- How far readers of the log have come who do something with it elsewhere. No part of the state: losing a mark means that
-- its reader reads again what it has read.
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    revision BIGINT NOT NULL
);
