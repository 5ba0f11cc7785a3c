//! The small closed lists of words that several nouns share.

text_enum! {
    /// What a commitment measures.
    Metric {
        /// From the report to the first answer that a person gave.
        Respond = "respond",
        /// Between two updates, again and again until it is over.
        Update = "update",
        /// From the report to a way round the trouble.
        Workaround = "workaround",
        /// From the report to the service being back (recovery time objective).
        Restore = "restore",
        /// From the report to the final repair.
        Resolve = "resolve",
        /// From the final repair (or, if the terms say so, from the service being back) to the explanation
        /// of why it happened.
        RootCause = "root_cause",
        /// How much data was lost: an amount, in microseconds of data, not a time (recovery point
        /// objective).
        DataLoss = "data_loss",
    }
}

text_enum! {
    /// What happened, one word for each kind of event on an incident's timeline.
    EventKind {
        /// The vendor was told; the clocks start.
        Reported = "reported",
        /// The vendor answered.
        Responded = "responded",
        /// The vendor said how it stands.
        Updated = "updated",
        /// The vendor named a time by which it will have done something.
        Promised = "promised",
        /// A way round the trouble works.
        WorkedAround = "worked_around",
        /// The service is back.
        Restored = "restored",
        /// The trouble is repaired.
        Resolved = "resolved",
        /// We agree that it is repaired.
        Confirmed = "confirmed",
        /// We do not: that repair never happened.
        Rejected = "rejected",
        /// It was not: the stopped clocks go on.
        Reopened = "reopened",
        /// A clock stop of the terms begins.
        Paused = "paused",
        /// The other side agrees to a pause that needs both.
        Agreed = "agreed",
        /// The other side refuses it.
        Refused = "refused",
        /// One clock stop ends, or all.
        Resumed = "resumed",
        /// The case has another severity from now on.
        SeverityChanged = "severity_changed",
        /// How much data was lost is measured.
        DataLoss = "data_loss",
        /// The vendor said why it happened.
        CauseExplained = "cause_explained",
        /// One case was handed over to another: that vendor is to go on with it.
        HandedOver = "handed_over",
        /// One of us has taken an escalation.
        Acknowledged = "acknowledged",
        /// A calendar edit moved a running deadline.
        DeadlineMoved = "deadline_moved",
        /// A remark; no clock cares.
        Noted = "noted",
        /// An earlier event is set right or taken back.
        Corrected = "corrected",
        /// Texts of an earlier event are erased; their hashes stay in the chain.
        Erased = "erased",
        /// The incident needs no answer any more.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// Where an event came from.
    Source {
        /// A form on a page.
        Page = "page",
        /// The HTTP API.
        Api = "api",
        /// The service itself.
        Engine = "engine",
        /// A file or scenario that was read in.
        Import = "import",
        /// A signed link in a letter to the vendor, or the vendor's own page.
        VendorLink = "vendor_link",
        /// A signed link in a letter to one of us.
        LetterLink = "letter_link",
        /// A message that the vendor wrote in answer to a letter.
        Mail = "mail",
    }
}

text_enum! {
    /// How a clock stands.
    ClockState {
        /// What it starts with has not happened yet.
        Pending = "pending",
        /// Time counts.
        Running = "running",
        /// A permitted clock stop holds it.
        Paused = "paused",
        /// Stopped by a repair that we have not confirmed yet; nothing falls due meanwhile.
        Awaiting = "awaiting",
        /// Stopped at or before its due moment.
        Met = "met",
        /// Stopped after its due moment.
        Missed = "missed",
        /// No commitment asks for it any more.
        Cancelled = "cancelled",
    }
}

impl ClockState {
    /// Whether the clock may still run out.
    pub fn is_open(self) -> bool {
        matches!(self, ClockState::Running | ClockState::Paused)
    }
}
