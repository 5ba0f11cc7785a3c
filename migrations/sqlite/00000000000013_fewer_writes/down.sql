CREATE INDEX letters_of_breach ON letters (breach_id);

CREATE TABLE new_outcomes (
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
INSERT INTO new_outcomes SELECT * FROM outcomes ORDER BY clock_id, run, interval;
DROP TABLE outcomes;
ALTER TABLE new_outcomes RENAME TO outcomes;
CREATE INDEX outcomes_of_vendor ON outcomes (vendor_id, certain_at);
CREATE INDEX outcomes_by_moment ON outcomes (certain_at);

CREATE TABLE new_timers (
    clock_id BIGINT PRIMARY KEY REFERENCES clocks (id),
    at BIGINT NOT NULL,
    incident_id BIGINT NOT NULL REFERENCES incidents (id)
);
INSERT INTO new_timers SELECT * FROM timers ORDER BY clock_id;
DROP TABLE timers;
ALTER TABLE new_timers RENAME TO timers;
CREATE INDEX timers_due ON timers (at, clock_id);

CREATE TABLE new_steps (
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
INSERT INTO new_steps SELECT * FROM steps ORDER BY clock_id, generation, run, interval, step, repeat;
DROP TABLE steps;
ALTER TABLE new_steps RENAME TO steps;
