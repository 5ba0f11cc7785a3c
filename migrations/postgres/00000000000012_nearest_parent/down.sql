ALTER TABLE letters
    ADD CONSTRAINT letters_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases (id),
    ADD CONSTRAINT letters_clock_id_fkey FOREIGN KEY (clock_id) REFERENCES clocks (id),
    ADD CONSTRAINT letters_breach_id_fkey FOREIGN KEY (breach_id) REFERENCES breaches (id);
ALTER TABLE breaches
    ADD CONSTRAINT breaches_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases (id),
    ADD CONSTRAINT breaches_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incidents (id),
    ADD CONSTRAINT breaches_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contracts (id),
    ADD CONSTRAINT breaches_vendor_id_fkey FOREIGN KEY (vendor_id) REFERENCES vendors (id),
    ADD CONSTRAINT breaches_terms_id_fkey FOREIGN KEY (terms_id) REFERENCES terms (id),
    ADD CONSTRAINT breaches_calendar_id_fkey FOREIGN KEY (calendar_id) REFERENCES calendars (id),
    ADD CONSTRAINT breaches_go_live_id_fkey FOREIGN KEY (go_live_id) REFERENCES go_lives (id);
ALTER TABLE outcomes
    ADD CONSTRAINT outcomes_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incidents (id),
    ADD CONSTRAINT outcomes_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contracts (id),
    ADD CONSTRAINT outcomes_vendor_id_fkey FOREIGN KEY (vendor_id) REFERENCES vendors (id);
ALTER TABLE timers
    ADD CONSTRAINT timers_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incidents (id);
ALTER TABLE clocks
    ADD CONSTRAINT clocks_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incidents (id);
