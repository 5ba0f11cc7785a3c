CREATE TABLE people (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    locale TEXT NOT NULL,
    password_hash TEXT,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    person_id BIGINT NOT NULL REFERENCES people (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id BIGINT NOT NULL REFERENCES people (id),
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE setup_links (
    token_hash TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

-- What was answered to a request that carried an idempotency key.
CREATE TABLE answers (
    person_id BIGINT NOT NULL REFERENCES people (id),
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status INTEGER NOT NULL,
    location TEXT,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (person_id, key)
);
CREATE INDEX answers_age ON answers (created_at);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    person_id BIGINT REFERENCES people (id),
    subject TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    deed TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, subject_id);

CREATE TABLE vendors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    time_zone TEXT NOT NULL,
    locale TEXT NOT NULL,
    notes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE calendars (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE calendar_revisions (
    calendar_id BIGINT NOT NULL REFERENCES calendars (id),
    revision BIGINT NOT NULL,
    -- The first local date it counts for; the first revision counts from ever.
    from_date DATE,
    hours TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (calendar_id, revision)
);

CREATE TABLE contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    vendor_id BIGINT NOT NULL REFERENCES vendors (id),
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    rung INTEGER NOT NULL,
    time_zone TEXT,
    locale TEXT,
    calendar_id BIGINT REFERENCES calendars (id)
);
CREATE INDEX contacts_of_vendor ON contacts (vendor_id);

CREATE TABLE contracts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    vendor_id BIGINT NOT NULL REFERENCES vendors (id),
    reference TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    services TEXT NOT NULL,
    owner TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    effective_from DATE NOT NULL,
    effective_to DATE,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX contracts_of_vendor ON contracts (vendor_id);

CREATE TABLE terms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    contract_id BIGINT NOT NULL REFERENCES contracts (id),
    number INTEGER NOT NULL,
    effective_from DATE NOT NULL,
    entered_at BIGINT NOT NULL,
    promise TEXT NOT NULL,
    UNIQUE (contract_id, number)
);

CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    drill BOOLEAN NOT NULL,
    reported_at BIGINT NOT NULL,
    reporter BIGINT NOT NULL REFERENCES people (id),
    created_at BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    head_hash TEXT NOT NULL
);

CREATE TABLE cases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id BIGINT NOT NULL REFERENCES incidents (id),
    contract_id BIGINT NOT NULL REFERENCES contracts (id),
    terms_id BIGINT NOT NULL REFERENCES terms (id),
    severity TEXT NOT NULL,
    vendor_reference TEXT NOT NULL,
    ladder TEXT NOT NULL,
    UNIQUE (incident_id, contract_id)
);
CREATE INDEX cases_of_contract ON cases (contract_id);

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id BIGINT NOT NULL REFERENCES incidents (id),
    seq BIGINT NOT NULL,
    case_id BIGINT REFERENCES cases (id),
    kind TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    person_id BIGINT REFERENCES people (id),
    source TEXT NOT NULL,
    fields TEXT NOT NULL,
    text_hashes TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    UNIQUE (incident_id, seq)
);

-- Apart from the events, so that personal data can be erased while the chain stays valid.
CREATE TABLE event_texts (
    event_id BIGINT NOT NULL REFERENCES events (id),
    name TEXT NOT NULL,
    salt TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (event_id, name)
);

CREATE TABLE clocks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id BIGINT NOT NULL REFERENCES incidents (id),
    case_id BIGINT NOT NULL REFERENCES cases (id),
    metric TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    clause TEXT NOT NULL,
    calendar_id BIGINT NOT NULL REFERENCES calendars (id),
    calendar_revision BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    due_at BIGINT,
    provisional BOOLEAN NOT NULL,
    budget BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    breached_at BIGINT,
    stopped_at BIGINT,
    run INTEGER NOT NULL,
    interval INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    UNIQUE (case_id, metric)
);
CREATE INDEX clocks_of_incident ON clocks (incident_id);
CREATE INDEX clocks_board ON clocks (state, due_at);

CREATE TABLE outcomes (
    clock_id BIGINT NOT NULL REFERENCES clocks (id),
    run INTEGER NOT NULL,
    interval INTEGER NOT NULL,
    incident_id BIGINT NOT NULL REFERENCES incidents (id),
    contract_id BIGINT NOT NULL REFERENCES contracts (id),
    vendor_id BIGINT NOT NULL REFERENCES vendors (id),
    drill BOOLEAN NOT NULL,
    metric TEXT NOT NULL,
    severity TEXT NOT NULL,
    clause TEXT NOT NULL,
    result TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    stopped_at BIGINT,
    certain_at BIGINT NOT NULL,
    budget BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    late_open BIGINT,
    PRIMARY KEY (clock_id, run, interval)
);
CREATE INDEX outcomes_of_vendor ON outcomes (vendor_id, certain_at);
CREATE INDEX outcomes_by_moment ON outcomes (certain_at);

-- The next moment at which a clock has to be looked at; narrow, and in order of that moment.
CREATE TABLE timers (
    clock_id BIGINT PRIMARY KEY REFERENCES clocks (id),
    at BIGINT NOT NULL,
    incident_id BIGINT NOT NULL REFERENCES incidents (id)
);
CREATE INDEX timers_due ON timers (at, clock_id);

CREATE TABLE steps (
    clock_id BIGINT NOT NULL REFERENCES clocks (id),
    generation INTEGER NOT NULL,
    run INTEGER NOT NULL,
    interval INTEGER NOT NULL,
    step INTEGER NOT NULL,
    repeat INTEGER NOT NULL,
    planned_at BIGINT NOT NULL,
    taken_at BIGINT NOT NULL,
    deed TEXT NOT NULL,
    PRIMARY KEY (clock_id, generation, run, interval, step, repeat)
);

CREATE TABLE breaches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    clock_id BIGINT NOT NULL REFERENCES clocks (id),
    case_id BIGINT NOT NULL REFERENCES cases (id),
    incident_id BIGINT NOT NULL REFERENCES incidents (id),
    contract_id BIGINT NOT NULL REFERENCES contracts (id),
    vendor_id BIGINT NOT NULL REFERENCES vendors (id),
    terms_id BIGINT NOT NULL REFERENCES terms (id),
    metric TEXT NOT NULL,
    severity TEXT NOT NULL,
    clause TEXT NOT NULL,
    run INTEGER NOT NULL,
    interval INTEGER NOT NULL,
    due_at BIGINT NOT NULL,
    entry INTEGER NOT NULL,
    noticed_at BIGINT NOT NULL,
    calendar_id BIGINT NOT NULL REFERENCES calendars (id),
    calendar_revision BIGINT NOT NULL,
    zone_data TEXT NOT NULL,
    seqs TEXT NOT NULL,
    drill BOOLEAN NOT NULL,
    UNIQUE (clock_id, run, interval, due_at, entry)
);
CREATE INDEX breaches_of_vendor ON breaches (vendor_id, due_at);
CREATE INDEX breaches_of_incident ON breaches (incident_id);

CREATE TABLE withdrawals (
    breach_id BIGINT PRIMARY KEY REFERENCES breaches (id),
    at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    incident_id BIGINT REFERENCES incidents (id),
    case_id BIGINT REFERENCES cases (id),
    clock_id BIGINT REFERENCES clocks (id),
    breach_id BIGINT REFERENCES breaches (id),
    contact_id BIGINT,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    locale TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    side TEXT NOT NULL,
    facts TEXT NOT NULL,
    state TEXT NOT NULL,
    planned_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    -- Only grows; an engine that wakes up late cannot settle a letter that another has taken over.
    lease BIGINT NOT NULL,
    -- Set once a connection was lost after the content had begun to flow: it may have arrived.
    in_doubt BOOLEAN NOT NULL,
    leased_until BIGINT,
    last_error TEXT,
    message_id TEXT NOT NULL,
    thread TEXT,
    subject TEXT,
    body_text TEXT,
    body_html TEXT,
    message BLOB,
    settled_at BIGINT
);
CREATE INDEX letters_due ON letters (state, next_attempt_at);
CREATE INDEX letters_of_incident ON letters (incident_id);
CREATE INDEX letters_of_breach ON letters (breach_id);

CREATE TABLE routines (
    name TEXT PRIMARY KEY,
    last_run_at BIGINT NOT NULL
);

CREATE TABLE schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    vendor_id BIGINT REFERENCES vendors (id),
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    recipients TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- What happened stays as it was recorded.
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER breaches_no_update BEFORE UPDATE ON breaches BEGIN SELECT RAISE(ABORT, 'breaches is append-only'); END;
CREATE TRIGGER breaches_no_delete BEFORE DELETE ON breaches BEGIN SELECT RAISE(ABORT, 'breaches is append-only'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER withdrawals_no_update BEFORE UPDATE ON withdrawals BEGIN SELECT RAISE(ABORT, 'withdrawals is append-only'); END;
CREATE TRIGGER withdrawals_no_delete BEFORE DELETE ON withdrawals BEGIN SELECT RAISE(ABORT, 'withdrawals is append-only'); END;
