-- A catalog as version 4 of the tables left it. Frozen: every later Brain must open it and lose nothing.
BEGIN TRANSACTION;
CREATE TABLE chunks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,    -- never given twice: the derived indexes know chunks by it
        file INTEGER NOT NULL REFERENCES files (id),
        ordinal INTEGER NOT NULL,                -- reading order within the file
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        line INTEGER NOT NULL,
        page INTEGER,
        headings TEXT NOT NULL,
        key BLOB NOT NULL,                       -- names the text that is embedded
        words INTEGER NOT NULL DEFAULT 0,        -- 1: the words index has it
        vector INTEGER,                          -- its row in vectors, of the model in use; NULL: none yet
        indexed INTEGER NOT NULL DEFAULT 0       -- 1: the vector index has it
    );
INSERT INTO "chunks" VALUES(1,1,0,0,39,1,NULL,'',X'DFBA2C5D29E7CBF08C25A2337E860806',1,3,1);
INSERT INTO "chunks" VALUES(2,1,1,41,56,3,NULL,'',X'EA745AB969E3F7D6FDF518F05FC2FDCC',1,4,1);
INSERT INTO "chunks" VALUES(3,2,0,0,27,1,NULL,'',X'59FDFEA00AEE6BFB9E78F413F00967AF',1,2,1);
CREATE TABLE conversations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        said TEXT NOT NULL,                      -- the words of the title, folded
        scope TEXT NOT NULL,                     -- JSON
        began TEXT NOT NULL,                     -- ISO 8601, UTC
        changed TEXT NOT NULL
    );
INSERT INTO "conversations" VALUES(1,'What does the pump cost?','what does the pump cost','{"is": "Scope", "within": [], "tags": [], "formats": [], "after": null, "before": null, "machine": false}','2026-11-23T17:31:42Z','2026-11-23T17:31:42Z');
CREATE TABLE files (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL UNIQUE,
        stamp TEXT NOT NULL,
        modified INTEGER NOT NULL,               -- seconds since 1970
        sha256 TEXT NOT NULL DEFAULT '',
        recipe TEXT NOT NULL DEFAULT '',
        reason TEXT,                             -- why it could not be read; such a file has no content
        hint TEXT NOT NULL DEFAULT '',
        title TEXT NOT NULL DEFAULT '',
        titled INTEGER NOT NULL DEFAULT 0,
        names TEXT NOT NULL DEFAULT '',          -- title and aliases, as the words index knows them
        format TEXT NOT NULL DEFAULT 'text',
        date TEXT,
        pages INTEGER,
        unread TEXT NOT NULL DEFAULT '[]',
        length INTEGER NOT NULL DEFAULT 0        -- characters of text
    , date_origin TEXT, dated TEXT, dated_by TEXT, machine INTEGER NOT NULL DEFAULT 0, private INTEGER NOT NULL DEFAULT 1);
INSERT INTO "files" VALUES(1,X'2F7661756C742F77656C6C2E6D64','1000000000 1 1 1',1,'sha of The pump for the well comes in week 24.

It costs 900 €.','1',NULL,'','The well',1,'The well','text','2025-03-12',NULL,'[]',56,'frontmatter','2025-03-12','frontmatter',0,0);
INSERT INTO "files" VALUES(2,X'2F7661756C742F706C61696E2E747874','1000000000 1 1 1',1,'sha of A zebra came to the garden.','1',NULL,'','plain',0,'plain','text',NULL,NULL,'[]',27,NULL,NULL,NULL,0,1);
INSERT INTO "files" VALUES(4,X'2F7661756C742F62726F6B656E2E706466','3000000000 3 3 3',3,'','','broken.pdf is not a readable PDF','Open and re-save it.','',0,'','text',NULL,NULL,'[]',0,NULL,NULL,NULL,0,1);
CREATE TABLE folders (id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE);
INSERT INTO "folders" VALUES(1,X'2F7661756C74');
CREATE TABLE index_gone (id INTEGER PRIMARY KEY);
INSERT INTO "index_gone" VALUES(4);
CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dimensions INTEGER NOT NULL);
INSERT INTO "models" VALUES(1,'hashing/1',8);
CREATE TABLE outlines (file INTEGER PRIMARY KEY REFERENCES files (id), packed TEXT NOT NULL);
INSERT INTO "outlines" VALUES(1,'{"headings":[[]],"blocks":[["prose",0,56,0,null]],"aliases":[],"labels":[]}');
INSERT INTO "outlines" VALUES(2,'{"headings":[[]],"blocks":[["prose",0,27,0,null]],"aliases":[],"labels":[]}');
CREATE TABLE pieces (
        id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES files (id), part INTEGER NOT NULL,
        text TEXT NOT NULL, UNIQUE (file, part)
    );
INSERT INTO "pieces" VALUES(1,1,0,'The pump for the well comes in week 24.

It costs 900 €.');
INSERT INTO "pieces" VALUES(2,2,0,'A zebra came to the garden.');
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "settings" VALUES('compacted','1795444973');
INSERT INTO "settings" VALUES('erased','1');
INSERT INTO "settings" VALUES('vectors.model','1');
CREATE TABLE sources (
        turn INTEGER NOT NULL REFERENCES turns (id), number INTEGER NOT NULL,
        path BLOB NOT NULL, sha256 TEXT NOT NULL,
        PRIMARY KEY (turn, number)
    ) WITHOUT ROWID;
INSERT INTO "sources" VALUES(1,0,X'2F7661756C742F77656C6C2E6D64','sha of The pump for the well comes in week 24.

It costs 900 €.');
CREATE TABLE tags (
        file INTEGER NOT NULL REFERENCES files (id), ordinal INTEGER NOT NULL, tag TEXT NOT NULL,
        PRIMARY KEY (file, ordinal)
    ) WITHOUT ROWID;
INSERT INTO "tags" VALUES(1,0,'garden');
INSERT INTO "tags" VALUES(1,1,'water');
CREATE TABLE turns (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL REFERENCES conversations (id),
        key TEXT NOT NULL UNIQUE,                -- given by whoever adds it: adding it twice adds it once
        asked TEXT NOT NULL,
        answered TEXT NOT NULL,                  -- JSON, its paths as the numbers of their sources
        said TEXT NOT NULL,                      -- the words of question and answer, folded
        forgotten INTEGER NOT NULL DEFAULT 0     -- how many of its sources were forgotten with their folder
    );
INSERT INTO "turns" VALUES(1,1,'first','2026-11-23T17:31:42Z','{"is":"Answered","question":"What does the pump cost?","answer":"It costs 900 €.","abstained":false,"model":"quotes","stays_home":true,"sentences":[{"text":"It costs 900 €.","citations":[1],"supported":true}],"citations":[{"number":1,"path":"0","title":"The well","start":41,"end":56,"quote":"It costs 900 €.","page":null,"line":3}],"evidence":[],"unread":[],"degraded":[],"usage":{"prompt_tokens":0,"cached_tokens":0,"completion_tokens":0,"thought_tokens":0,"cost_usd":0.0},"seconds":{"retrieve":0.0,"first_token":0.0,"total":0.0},"stopped":false,"verdicts":[]}','what does the pump cost it cost 900',0);
CREATE TABLE vectors (
        id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL REFERENCES models (id),
        key BLOB NOT NULL, vector BLOB NOT NULL  -- little-endian float32
    );
INSERT INTO "vectors" VALUES(2,1,X'59FDFEA00AEE6BFB9E78F413F00967AF',X'2DCE5BBDAD11833EDAC6263FCB69EDBE4473FB3E919E61BEB2EF3A3DBCD1953C');
INSERT INTO "vectors" VALUES(3,1,X'DFBA2C5D29E7CBF08C25A2337E860806',X'A61B14BDB1C2ABBDDF212DBEC6A2693E454F44BF7BE0013FC78B8BBD73CF7CBE');
INSERT INTO "vectors" VALUES(4,1,X'EA745AB969E3F7D6FDF518F05FC2FDCC',X'4B501EBE9DBB46BE66CBCD3E640FF3BE0B7411BF629E883D63368FBED2A1C3BE');
CREATE TABLE words_gone (id INTEGER PRIMARY KEY);
INSERT INTO "words_gone" VALUES(4);
CREATE INDEX files_sha256 ON files (sha256);
CREATE INDEX files_modified ON files (modified);
CREATE INDEX chunks_file ON chunks (file, ordinal);
CREATE INDEX chunks_key ON chunks (key);
CREATE INDEX chunks_wordless ON chunks (words) WHERE words = 0;
CREATE INDEX chunks_unembedded ON chunks (file, ordinal) WHERE vector IS NULL;
CREATE INDEX chunks_unindexed ON chunks (indexed) WHERE indexed = 0 AND vector IS NOT NULL;
CREATE UNIQUE INDEX vectors_key ON vectors (key, model);
CREATE INDEX turns_conversation ON turns (conversation);
CREATE INDEX sources_path ON sources (path);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('folders',1);
INSERT INTO "sqlite_sequence" VALUES('files',4);
INSERT INTO "sqlite_sequence" VALUES('chunks',4);
INSERT INTO "sqlite_sequence" VALUES('vectors',4);
INSERT INTO "sqlite_sequence" VALUES('conversations',1);
INSERT INTO "sqlite_sequence" VALUES('turns',1);
COMMIT;
PRAGMA user_version = 4;
