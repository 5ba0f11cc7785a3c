//! Languages that letters are written in.

text_enum! {
    /// The language of a vendor, a contact or a person.
    Locale {
        /// English.
        En = "en",
        /// Simplified Chinese.
        ZhCn = "zh-CN",
    }
}
