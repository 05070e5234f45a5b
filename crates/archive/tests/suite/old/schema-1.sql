-- An archive of the first version (schema 1, November 2026), as SQL. Its records lack what later ones may have; the digests are those
-- of BLAKE3 over their canonical JSON, computed apart from this program. Never change it: files like it exist.
CREATE TABLE run (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    record TEXT NOT NULL
) STRICT;
CREATE TABLE candidate (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    digest TEXT NOT NULL,
    cycle INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.cycle')) STORED,
    number INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.index')) STORED,
    attempt INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.attempt')) STORED,
    origin TEXT NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.origin')) STORED,
    verdict TEXT NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.verdict.code')) STORED,
    fingerprint TEXT GENERATED ALWAYS AS (json_extract(record, '$.fingerprint')) STORED,
    params ANY GENERATED ALWAYS AS (json_extract(record, '$.params')) STORED,
    macs ANY GENERATED ALWAYS AS (json_extract(record, '$.macs')) STORED,
    novelty REAL GENERATED ALWAYS AS (json_extract(record, '$.novelty')) STORED,
    accuracy_val REAL GENERATED ALWAYS AS (json_extract(record, '$.metrics.accuracy_val')) STORED,
    admitted INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.admitted')) STORED,
    UNIQUE (cycle, number, attempt)
) STRICT;
CREATE INDEX candidate_by_accuracy ON candidate (accuracy_val);
CREATE TABLE cycle (
    cycle INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT;
CREATE TABLE seed (
    name TEXT PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;
CREATE TABLE prompt (
    hash TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
PRAGMA user_version = 1;
INSERT INTO run (one, record) VALUES (1, '{"run_id":"r0","version":"0.1.0","seed":7,"config":"[run]\nseed = 7\n","created":"2026-11-24T08:00:00Z","schema":1}');
INSERT INTO seed (name, record) VALUES ('plain', '{"name":"plain","text":"import torch\n","accuracy":null,"fingerprint":null}');
INSERT INTO candidate (id, record, digest) VALUES ('c0', '{"id":"c0","cycle":0,"index":0,"attempt":0,"origin":"raw","prompt_id":"compact","prompt_hash":"","parents":["seed:plain"],"text":"import torch\n# äöü\n","verdict":{"code":"trained"},"diagnostics":[],"fingerprint":"f0","params":171290,"macs":5220000,"recipe":{"optimizer":{"kind":"sgd","lr":0.01}},"novelty":0.5,"nearest":"seed:plain","metrics":{"accuracy_train":null,"accuracy_val":0.625,"accuracy_test":0.5,"loss":1.25,"seconds":3.5,"img_s":900.0,"peak_rss_mb":310.0,"epochs":1},"admitted":true,"seed":18446744073709551615,"tokens":400,"generation_seconds":1.5}', '79b9488fd4a57df506fee779a6d1bbe0214ab58b730cf9ba909a3e9343e5ba4a');
INSERT INTO candidate (id, record, digest) VALUES ('c1', '{"id":"c1","cycle":0,"index":1,"attempt":0,"origin":"raw","prompt_id":"compact","prompt_hash":"","parents":["seed:plain"],"text":"import (\n","verdict":{"code":"unparsed"},"diagnostics":[{"code":"syntax-error","message":"expected '')''","line":1,"column":7}],"fingerprint":null,"params":null,"macs":null,"recipe":null,"novelty":0.5,"nearest":"seed:plain","metrics":null,"admitted":false,"seed":18446744073709551615,"tokens":400,"generation_seconds":1.5}', 'dbf3b75058840d5b9bce6aebd12b54413fe671c16cf552ae92fa0f00800af415');
INSERT INTO cycle (cycle, record, digest) VALUES (0, '{"cycle":0,"candidates":2,"sft":{"pairs":2,"steps":4,"loss_before":0.75,"loss_after":0.5,"seconds":9.5},"adapter":"adapters/0","topped_up":[]}', 'f6b355dd7cbc007a1b2675ab3bc44a253fb129e1b1e5f98f06e6786928fd2ae4');
