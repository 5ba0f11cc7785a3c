/// Declares the name by which ladders call something, given with the word before its colon: at most 40 of
/// a to z, 0 to 9 and -, so that it needs no quoting in JSON, in a pattern of SQL or in a URL.
macro_rules! ladder_name {
    ($(#[$meta:meta])* $name:ident = $word:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::deserialize::FromSqlRow)]
        pub struct $name(String);

        impl $name {
            /// The name alone.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            #[doc = concat!("How ladders address it: `", $word, ":NAME`.")]
            pub fn address(&self) -> String {
                format!(concat!($word, ":{}"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let text = text.trim();
                let fits =
                    |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
                if !text.is_empty() && text.len() <= 40 && text.chars().all(fits) {
                    Ok(Self(text.to_string()))
                } else {
                    Err(format!(
                        concat!("\"{}\" is no name for ", $word, ":NAME; use at most 40 of a to z, 0 to 9 and -"),
                        text
                    ))
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        from_text_column!($name, |text| text.parse::<$name>());
    };
}
