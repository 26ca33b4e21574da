-- The first version of the store. Times are seconds since 1970, days are days since 1970, both UTC.

-- One row: the cluster whose results these are.
CREATE TABLE cluster (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    last_sweep_at BIGINT,
    writer_epoch BIGINT NOT NULL
);

-- Lists of evaluated controls, each once: a cluster has a few hundred of them.
CREATE TABLE control_set (
    id {id},
    digest TEXT NOT NULL UNIQUE,
    controls TEXT NOT NULL
);

-- last_seen is null for an object that the last sweep has seen, or that was written since.
CREATE TABLE object (
    id {id},
    uid TEXT NOT NULL UNIQUE,
    api_version TEXT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    resource_version TEXT NOT NULL,
    owner_uid TEXT,
    control_set BIGINT NOT NULL,
    findings_left_out BIGINT NOT NULL,
    digest TEXT NOT NULL,
    evaluated_at BIGINT NOT NULL,
    last_seen BIGINT,
    removed_at BIGINT
);
CREATE INDEX object_identity ON object (namespace, kind, name);
CREATE INDEX object_removed ON object (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX object_control_set ON object (control_set);

-- A row is one period in which an object had a finding; fixed_at is null while it lasts.
CREATE TABLE finding (
    id {id},
    object_id BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    defect TEXT NOT NULL,
    control TEXT NOT NULL,
    severity BIGINT NOT NULL,
    container TEXT,
    message TEXT NOT NULL,
    paths TEXT NOT NULL,
    fixes TEXT NOT NULL,
    exception TEXT,
    digest TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT,
    fixed_at BIGINT
);
CREATE UNIQUE INDEX finding_open_once ON finding (object_id, fingerprint) WHERE fixed_at IS NULL;
CREATE INDEX finding_object ON finding (object_id);
CREATE INDEX finding_open_worst ON finding (severity DESC, id) WHERE fixed_at IS NULL;
CREATE INDEX finding_fixed ON finding (fixed_at) WHERE fixed_at IS NOT NULL;

-- Controls that could not be evaluated for an object.
CREATE TABLE not_evaluated (
    object_id BIGINT NOT NULL,
    control TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (object_id, control)
);

-- What the last sweep could not read, and the controls that are not evaluated for it.
CREATE TABLE unread (
    kind_group TEXT NOT NULL,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    reason TEXT NOT NULL,
    controls TEXT NOT NULL
);

-- The controls of each framework, as of the last sweep.
CREATE TABLE framework_control (
    framework TEXT NOT NULL,
    control TEXT NOT NULL,
    PRIMARY KEY (framework, control)
);

-- The state after the last sweep of each day.
CREATE TABLE severity_day (
    day BIGINT NOT NULL,
    severity BIGINT NOT NULL,
    open_findings BIGINT NOT NULL,
    PRIMARY KEY (day, severity)
);
CREATE TABLE control_day (
    day BIGINT NOT NULL,
    control TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    failed BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    PRIMARY KEY (day, control)
);
CREATE TABLE framework_day (
    day BIGINT NOT NULL,
    framework TEXT NOT NULL,
    version TEXT NOT NULL,
    compliance DOUBLE PRECISION,
    coverage DOUBLE PRECISION,
    failed BIGINT NOT NULL,
    not_evaluated BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    not_applicable BIGINT NOT NULL,
    not_configured BIGINT NOT NULL,
    PRIMARY KEY (day, framework)
);
