//! Identifiers that cannot be swapped: an incident's number is not a clock's.

/// Declares a newtype over a `BigInt` key.
macro_rules! id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default,
                 serde::Serialize, serde::Deserialize,
                 diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> i64 {
                id.0
            }
        }

        impl<DB> diesel::serialize::ToSql<diesel::sql_types::BigInt, DB> for $name
        where
            DB: diesel::backend::Backend,
            i64: diesel::serialize::ToSql<diesel::sql_types::BigInt, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                self.0.to_sql(out)
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB> for $name
        where
            DB: diesel::backend::Backend,
            i64: diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                i64::from_sql(value).map(Self)
            }
        }
    )+};
}

id! {
    /// One of us.
    PersonId,
    /// A vendor.
    VendorId,
    /// A contact of a vendor.
    ContactId,
    /// A calendar, whatever its revision.
    CalendarId,
    /// A contract.
    ContractId,
    /// One version of what a contract promises.
    TermsId,
    /// A go-live window of a contract.
    GoLiveId,
    /// An incident.
    IncidentId,
    /// One contract's part in an incident.
    CaseId,
    /// One metric of one case.
    ClockId,
    /// An entry in the register.
    BreachId,
    /// A letter in the outbox.
    LetterId,
    /// An API token.
    TokenId,
    /// A report that is mailed regularly.
    ScheduleId,
    /// A file that goes with an event.
    EvidenceId,
    /// A webhook.
    WebhookId,
    /// A message that came in.
    ReceivedId,
    /// A named list of our people.
    TeamId,
    /// Who is on duty when.
    RotaId,
}

/// The reference of the first incident is this plus its key.
const FIRST_INCIDENT: i64 = 1000;

impl IncidentId {
    /// What people call it: `INC-1042`.
    pub fn reference(self) -> String {
        format!("INC-{}", self.0.saturating_add(FIRST_INCIDENT))
    }

    /// Reads a reference or a bare key, as URLs carry either.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("INC-") {
            Some(number) => {
                let number: i64 = number.parse().ok()?;
                number.checked_sub(FIRST_INCIDENT).map(Self)
            }
            None => text.parse().ok().map(Self),
        }
    }
}

/// Declares the reference of a noun: a letter and the key.
macro_rules! reference {
    ($($name:ident = $prefix:literal),+ $(,)?) => {$(
        impl $name {
            #[doc = concat!("What people call it: `", $prefix, "7`.")]
            pub fn reference(self) -> String {
                format!(concat!($prefix, "{}"), self.0)
            }

            /// Reads a reference or a bare key, as URLs carry either.
            pub fn parse(text: &str) -> Option<Self> {
                text.strip_prefix($prefix).unwrap_or(text).parse().ok().map(Self)
            }
        }
    )+};
}

reference! {
    VendorId = "V-",
    BreachId = "B-",
}
