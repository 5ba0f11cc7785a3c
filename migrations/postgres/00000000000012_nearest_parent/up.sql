-- A row that time makes names its nearest parent, and copies of what that parent names, so that lists
-- and reports need no joins. Only the nearest parent is checked: each check is a look-up and a lock of its
-- own on a row that many share, and no parent is ever removed or moved to another.
ALTER TABLE clocks DROP CONSTRAINT clocks_incident_id_fkey;
ALTER TABLE timers DROP CONSTRAINT timers_incident_id_fkey;
ALTER TABLE outcomes
    DROP CONSTRAINT outcomes_incident_id_fkey,
    DROP CONSTRAINT outcomes_contract_id_fkey,
    DROP CONSTRAINT outcomes_vendor_id_fkey;
ALTER TABLE breaches
    DROP CONSTRAINT breaches_case_id_fkey,
    DROP CONSTRAINT breaches_incident_id_fkey,
    DROP CONSTRAINT breaches_contract_id_fkey,
    DROP CONSTRAINT breaches_vendor_id_fkey,
    DROP CONSTRAINT breaches_terms_id_fkey,
    DROP CONSTRAINT breaches_calendar_id_fkey,
    DROP CONSTRAINT breaches_go_live_id_fkey;
ALTER TABLE letters
    DROP CONSTRAINT letters_case_id_fkey,
    DROP CONSTRAINT letters_clock_id_fkey,
    DROP CONSTRAINT letters_breach_id_fkey;
