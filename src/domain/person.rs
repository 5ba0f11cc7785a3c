//! One of us.

text_enum! {
    /// What a person may do; the access rule of each route names the roles it lets in.
    Role {
        /// Enters vendors, calendars, contracts and terms.
        Procurement = "procurement",
        /// Raises incidents and records what happens.
        Engineer = "engineer",
        /// Reviews breaches and reports.
        Manager = "manager",
        /// Everything, and the people themselves.
        Administrator = "administrator",
    }
}
