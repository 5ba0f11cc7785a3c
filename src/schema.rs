//! The tables, and the one SQL type of our own.
//!
//! Analysts read real timestamps in PostgreSQL; SQLite keeps whole microseconds, which compare and
//! sort as they are.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, SqlOrd, SqlType};
use diesel::sqlite::Sqlite;

use crate::time::{Moment, SECOND};

/// `timestamptz` in PostgreSQL, an integer of microseconds since 1970 in SQLite.
#[derive(Debug, Clone, Copy, Default, SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Instant;

impl SqlOrd for Instant {}

/// Seconds from 1970-01-01, our epoch, to 2000-01-01, PostgreSQL's.
const POSTGRES_EPOCH: i64 = 946_684_800 * SECOND;

impl FromSql<Instant, Pg> for Moment {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Pg>>::from_sql(value)?;
        Ok(Moment::from_micros(micros + POSTGRES_EPOCH))
    }
}

impl ToSql<Instant, Pg> for Moment {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = self.micros() - POSTGRES_EPOCH;
        ToSql::<BigInt, Pg>::to_sql(&micros, &mut out.reborrow())
    }
}

impl FromSql<Instant, Sqlite> for Moment {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(Moment::from_micros)
    }
}

impl ToSql<Instant, Sqlite> for Moment {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.micros());
        Ok(IsNull::No)
    }
}

diesel::table! {
    people (id) {
        id -> BigInt,
        email -> Text,
        name -> Text,
        role -> Text,
        time_zone -> Text,
        locale -> Text,
        password_hash -> Nullable<Text>,
        active -> Bool,
        created_at -> crate::schema::Instant,
        version -> BigInt,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Text,
        person_id -> BigInt,
        created_at -> crate::schema::Instant,
        expires_at -> crate::schema::Instant,
    }
}

diesel::table! {
    tokens (id) {
        id -> BigInt,
        person_id -> BigInt,
        name -> Text,
        token_hash -> Text,
        created_at -> crate::schema::Instant,
        revoked_at -> Nullable<crate::schema::Instant>,
    }
}

diesel::table! {
    setup_links (token_hash) {
        token_hash -> Text,
        created_at -> crate::schema::Instant,
        expires_at -> crate::schema::Instant,
        used_at -> Nullable<crate::schema::Instant>,
    }
}

diesel::table! {
    answers (person_id, key) {
        person_id -> BigInt,
        key -> Text,
        request_hash -> Text,
        status -> Integer,
        location -> Nullable<Text>,
        body -> Text,
        created_at -> crate::schema::Instant,
    }
}

diesel::table! {
    audit (id) {
        id -> BigInt,
        at -> crate::schema::Instant,
        actor -> Text,
        person_id -> Nullable<BigInt>,
        subject -> Text,
        subject_id -> BigInt,
        deed -> Text,
        detail -> Text,
    }
}

diesel::table! {
    vendors (id) {
        id -> BigInt,
        name -> Text,
        time_zone -> Text,
        locale -> Text,
        notes -> Text,
        created_at -> crate::schema::Instant,
        version -> BigInt,
    }
}

diesel::table! {
    contacts (id) {
        id -> BigInt,
        vendor_id -> BigInt,
        name -> Text,
        email -> Text,
        rung -> Integer,
        time_zone -> Nullable<Text>,
        locale -> Nullable<Text>,
        calendar_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    calendars (id) {
        id -> BigInt,
        name -> Text,
        revision -> BigInt,
        created_at -> crate::schema::Instant,
    }
}

diesel::table! {
    calendar_revisions (calendar_id, revision) {
        calendar_id -> BigInt,
        revision -> BigInt,
        from_date -> Nullable<Date>,
        hours -> Text,
        made_at -> crate::schema::Instant,
        zone_data -> Nullable<Text>,
        same_by -> Nullable<Text>,
        name -> Nullable<Text>,
    }
}

diesel::table! {
    zone_offsets (zone, zone_data) {
        zone -> Text,
        zone_data -> Text,
        offsets -> Text,
    }
}

diesel::table! {
    contracts (id) {
        id -> BigInt,
        vendor_id -> BigInt,
        reference -> Text,
        title -> Text,
        services -> Text,
        owner -> Text,
        time_zone -> Text,
        effective_from -> Date,
        effective_to -> Nullable<Date>,
        created_at -> crate::schema::Instant,
        version -> BigInt,
    }
}

diesel::table! {
    terms (id) {
        id -> BigInt,
        contract_id -> BigInt,
        number -> Integer,
        effective_from -> Date,
        entered_at -> crate::schema::Instant,
        promise -> Text,
        apply_from -> Nullable<Date>,
    }
}

diesel::table! {
    go_lives (id) {
        id -> BigInt,
        contract_id -> BigInt,
        name -> Text,
        starts_at -> crate::schema::Instant,
        ends_at -> crate::schema::Instant,
        commitments -> Text,
        command_post -> Text,
        entered_at -> crate::schema::Instant,
        entered_by -> Nullable<BigInt>,
        withdrawn_at -> Nullable<crate::schema::Instant>,
        withdrawn_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    incidents (id) {
        id -> BigInt,
        title -> Text,
        description -> Text,
        state -> Text,
        drill -> Bool,
        reported_at -> crate::schema::Instant,
        reporter -> BigInt,
        created_at -> crate::schema::Instant,
        last_seq -> BigInt,
        head_hash -> Text,
        anchored_seq -> BigInt,
    }
}

diesel::table! {
    anchors (number) {
        number -> BigInt,
        at -> crate::schema::Instant,
        previous_hash -> Text,
        hash -> Text,
    }
}

diesel::table! {
    anchor_heads (number, incident_id) {
        number -> BigInt,
        incident_id -> BigInt,
        event_count -> BigInt,
        hash -> Text,
    }
}

diesel::table! {
    erased_letters (letter_id) {
        letter_id -> BigInt,
        at -> crate::schema::Instant,
        incident_id -> BigInt,
        seq -> BigInt,
        sha256 -> Nullable<Text>,
    }
}

diesel::table! {
    evidence (id) {
        id -> BigInt,
        sha256 -> Text,
        size -> BigInt,
        media_type -> Text,
        name -> Text,
        person_id -> BigInt,
        uploaded_at -> crate::schema::Instant,
        event_id -> Nullable<BigInt>,
        position -> Nullable<Integer>,
    }
}

diesel::table! {
    evidence_chunks (evidence_id, number) {
        evidence_id -> BigInt,
        number -> Integer,
        content -> Binary,
    }
}

diesel::table! {
    cases (id) {
        id -> BigInt,
        incident_id -> BigInt,
        contract_id -> BigInt,
        terms_id -> BigInt,
        severity -> Text,
        vendor_reference -> Text,
        ladder -> Text,
        go_live_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    events (id) {
        id -> BigInt,
        incident_id -> BigInt,
        seq -> BigInt,
        case_id -> Nullable<BigInt>,
        kind -> Text,
        occurred_at -> crate::schema::Instant,
        recorded_at -> crate::schema::Instant,
        person_id -> Nullable<BigInt>,
        source -> Text,
        fields -> Text,
        text_hashes -> Text,
        previous_hash -> Text,
        hash -> Text,
    }
}

diesel::table! {
    event_texts (event_id, name) {
        event_id -> BigInt,
        name -> Text,
        salt -> Text,
        content -> Text,
    }
}

diesel::table! {
    clocks (id) {
        id -> BigInt,
        incident_id -> BigInt,
        case_id -> BigInt,
        metric -> Text,
        state -> Text,
        severity -> Text,
        clause -> Text,
        calendar_id -> BigInt,
        calendar_revision -> BigInt,
        started_at -> crate::schema::Instant,
        due_at -> Nullable<crate::schema::Instant>,
        provisional -> Bool,
        budget -> BigInt,
        spent -> BigInt,
        breached_at -> Nullable<crate::schema::Instant>,
        stopped_at -> Nullable<crate::schema::Instant>,
        run -> Integer,
        interval -> Integer,
        generation -> Integer,
    }
}

diesel::table! {
    outcomes (clock_id, run, interval) {
        clock_id -> BigInt,
        run -> Integer,
        interval -> Integer,
        incident_id -> BigInt,
        contract_id -> BigInt,
        vendor_id -> BigInt,
        drill -> Bool,
        metric -> Text,
        severity -> Text,
        clause -> Text,
        result -> Text,
        started_at -> crate::schema::Instant,
        due_at -> crate::schema::Instant,
        stopped_at -> Nullable<crate::schema::Instant>,
        certain_at -> crate::schema::Instant,
        budget -> BigInt,
        spent -> BigInt,
        late_open -> Nullable<BigInt>,
    }
}

diesel::table! {
    timers (clock_id) {
        clock_id -> BigInt,
        at -> crate::schema::Instant,
        incident_id -> BigInt,
    }
}

diesel::table! {
    steps (clock_id, generation, run, interval, step, repeat) {
        clock_id -> BigInt,
        generation -> Integer,
        run -> Integer,
        interval -> Integer,
        step -> Integer,
        repeat -> Integer,
        planned_at -> crate::schema::Instant,
        taken_at -> crate::schema::Instant,
        deed -> Text,
    }
}

diesel::table! {
    breaches (id) {
        id -> BigInt,
        clock_id -> BigInt,
        case_id -> BigInt,
        incident_id -> BigInt,
        contract_id -> BigInt,
        vendor_id -> BigInt,
        terms_id -> BigInt,
        metric -> Text,
        severity -> Text,
        clause -> Text,
        run -> Integer,
        interval -> Integer,
        due_at -> crate::schema::Instant,
        entry -> Integer,
        noticed_at -> crate::schema::Instant,
        calendar_id -> BigInt,
        calendar_revision -> BigInt,
        zone_data -> Text,
        seqs -> Text,
        drill -> Bool,
        go_live_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    withdrawals (breach_id) {
        breach_id -> BigInt,
        at -> crate::schema::Instant,
        seq -> BigInt,
        reason -> Text,
    }
}

diesel::table! {
    letters (id) {
        id -> BigInt,
        key -> Text,
        kind -> Text,
        incident_id -> Nullable<BigInt>,
        case_id -> Nullable<BigInt>,
        clock_id -> Nullable<BigInt>,
        breach_id -> Nullable<BigInt>,
        contact_id -> Nullable<BigInt>,
        name -> Text,
        email -> Text,
        locale -> Text,
        time_zone -> Text,
        side -> Text,
        facts -> Text,
        state -> Text,
        planned_at -> crate::schema::Instant,
        created_at -> crate::schema::Instant,
        next_attempt_at -> crate::schema::Instant,
        attempts -> Integer,
        lease -> BigInt,
        in_doubt -> Bool,
        leased_until -> Nullable<crate::schema::Instant>,
        last_error -> Nullable<Text>,
        message_id -> Text,
        thread -> Nullable<Text>,
        subject -> Nullable<Text>,
        body_text -> Nullable<Text>,
        body_html -> Nullable<Text>,
        message -> Nullable<Binary>,
        settled_at -> Nullable<crate::schema::Instant>,
    }
}

diesel::table! {
    link_keys (name) {
        name -> Text,
        secret -> Binary,
        made_at -> crate::schema::Instant,
    }
}

diesel::table! {
    used_links (letter_id, purpose, occasion) {
        letter_id -> BigInt,
        purpose -> Text,
        occasion -> Text,
        used_at -> crate::schema::Instant,
        incident_id -> BigInt,
        seq -> BigInt,
    }
}

diesel::table! {
    revoked_links (letter_id) {
        letter_id -> BigInt,
        at -> crate::schema::Instant,
        person_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    routines (name) {
        name -> Text,
        last_run_at -> crate::schema::Instant,
    }
}

diesel::table! {
    schedules (id) {
        id -> BigInt,
        name -> Text,
        vendor_id -> Nullable<BigInt>,
        cron -> Text,
        time_zone -> Text,
        recipients -> Text,
        active -> Bool,
        created_at -> crate::schema::Instant,
        version -> BigInt,
    }
}

diesel::table! {
    webhooks (id) {
        id -> BigInt,
        name -> Text,
        address -> Text,
        preset -> Text,
        secret -> Nullable<Text>,
        old_secret -> Nullable<Text>,
        rotated_at -> Nullable<crate::schema::Instant>,
        locale -> Text,
        time_zone -> Text,
        enabled -> Bool,
        disabled_because -> Nullable<Text>,
        created_at -> crate::schema::Instant,
        version -> BigInt,
    }
}

diesel::table! {
    webhook_answers (letter_id) {
        letter_id -> BigInt,
        at -> crate::schema::Instant,
        status -> Integer,
        body -> Text,
    }
}

diesel::table! {
    received_messages (id) {
        id -> BigInt,
        received_at -> crate::schema::Instant,
        sha256 -> Text,
        size -> BigInt,
        verdict -> Text,
        reason -> Text,
        letter_id -> Nullable<BigInt>,
        incident_id -> Nullable<BigInt>,
        case_id -> Nullable<BigInt>,
        contact_id -> Nullable<BigInt>,
        message_id -> Text,
        sender_name -> Text,
        sender_email -> Text,
        subject -> Text,
        body -> Text,
        files -> Text,
        dated_at -> Nullable<crate::schema::Instant>,
        handled_at -> Nullable<crate::schema::Instant>,
        handled_by -> Nullable<BigInt>,
        erased_at -> Nullable<crate::schema::Instant>,
    }
}

diesel::table! {
    received_chunks (received_id, number) {
        received_id -> BigInt,
        number -> Integer,
        content -> Binary,
    }
}

diesel::table! {
    teams (id) {
        id -> BigInt,
        name -> Text,
        active -> Bool,
        created_at -> crate::schema::Instant,
        version -> BigInt,
    }
}

diesel::table! {
    team_members (team_id, place) {
        team_id -> BigInt,
        place -> Integer,
        person_id -> BigInt,
    }
}

diesel::table! {
    rotas (id) {
        id -> BigInt,
        name -> Text,
        fallback_id -> BigInt,
        active -> Bool,
        created_at -> crate::schema::Instant,
        version -> BigInt,
    }
}

diesel::table! {
    rota_entries (rota_id, place) {
        rota_id -> BigInt,
        place -> Integer,
        person_id -> BigInt,
        calendar_id -> BigInt,
    }
}

diesel::joinable!(team_members -> people (person_id));
diesel::joinable!(contacts -> vendors (vendor_id));
diesel::joinable!(contracts -> vendors (vendor_id));
diesel::joinable!(terms -> contracts (contract_id));
diesel::joinable!(go_lives -> contracts (contract_id));
diesel::joinable!(cases -> incidents (incident_id));
diesel::joinable!(cases -> contracts (contract_id));
diesel::joinable!(cases -> terms (terms_id));
diesel::joinable!(clocks -> incidents (incident_id));
diesel::joinable!(clocks -> cases (case_id));
diesel::joinable!(timers -> clocks (clock_id));
diesel::joinable!(breaches -> incidents (incident_id));
diesel::joinable!(breaches -> contracts (contract_id));
diesel::joinable!(breaches -> vendors (vendor_id));
diesel::joinable!(breaches -> clocks (clock_id));
diesel::joinable!(withdrawals -> breaches (breach_id));
diesel::joinable!(outcomes -> contracts (contract_id));
diesel::joinable!(outcomes -> vendors (vendor_id));
diesel::joinable!(outcomes -> incidents (incident_id));
diesel::joinable!(events -> incidents (incident_id));
diesel::joinable!(event_texts -> events (event_id));
diesel::joinable!(anchor_heads -> anchors (number));
diesel::joinable!(anchor_heads -> incidents (incident_id));
diesel::joinable!(evidence -> events (event_id));
diesel::joinable!(evidence_chunks -> evidence (evidence_id));
diesel::joinable!(letters -> incidents (incident_id));
diesel::joinable!(sessions -> people (person_id));
diesel::joinable!(tokens -> people (person_id));
diesel::joinable!(audit -> people (person_id));

diesel::table! {
    refused_addresses (email) {
        email -> Text,
        refused_at -> crate::schema::Instant,
        answer -> Text,
        letter_id -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    people,
    sessions,
    tokens,
    setup_links,
    answers,
    audit,
    vendors,
    contacts,
    calendars,
    calendar_revisions,
    zone_offsets,
    contracts,
    terms,
    go_lives,
    incidents,
    cases,
    events,
    event_texts,
    anchors,
    anchor_heads,
    erased_letters,
    evidence,
    evidence_chunks,
    clocks,
    outcomes,
    timers,
    steps,
    breaches,
    withdrawals,
    letters,
    link_keys,
    used_links,
    revoked_links,
    received_messages,
    received_chunks,
    refused_addresses,
    routines,
    schedules,
    webhooks,
    webhook_answers,
    teams,
    team_members,
    rotas,
    rota_entries,
);
