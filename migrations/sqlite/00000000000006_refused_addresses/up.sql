-- Addresses that a mail server refused for good, each until a letter to it is accepted or somebody says
-- that it works again.
CREATE TABLE refused_addresses (
    -- In small letters.
    email TEXT PRIMARY KEY,
    refused_at BIGINT NOT NULL,
    answer TEXT NOT NULL,
    letter_id BIGINT NOT NULL REFERENCES letters (id)
);
