-- Named lists of our people. Ladders name one by its name (team:network).
CREATE TABLE teams (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE team_members (
    team_id BIGINT NOT NULL REFERENCES teams (id),
    -- In which order they are listed, from 0.
    place INTEGER NOT NULL,
    person_id BIGINT NOT NULL REFERENCES people (id),
    PRIMARY KEY (team_id, place),
    UNIQUE (team_id, person_id)
);

-- Who is on duty when. Ladders name one by its name (on_duty:network).
CREATE TABLE rotas (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    -- Who is told while nobody of its entries is in hours.
    fallback_id BIGINT NOT NULL REFERENCES people (id),
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE rota_entries (
    rota_id BIGINT NOT NULL REFERENCES rotas (id),
    -- In which order they are asked, from 0: the first in hours is on duty.
    place INTEGER NOT NULL,
    person_id BIGINT NOT NULL REFERENCES people (id),
    -- The hours of the person.
    calendar_id BIGINT NOT NULL REFERENCES calendars (id),
    PRIMARY KEY (rota_id, place)
);
