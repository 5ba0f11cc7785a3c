//! What a report is asked about, as people and scripts write it.

use chrono::NaiveDate;
use serde::Deserialize;

use super::Ask;
use crate::domain::VendorId;
use crate::domain::input::Faults;
use crate::domain::period::{FORMS, Period};
use crate::domain::reading;
use crate::error::{Error, Refused, Result};
use crate::store::{self, Conn};

/// The fields of a query, a form or a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Asked {
    /// A period in one word, such as `2026-10`.
    pub period: Option<String>,
    /// Instead of that the first date …
    pub from: Option<String>,
    /// … and the first date that is not in it any more.
    pub to: Option<String>,
    /// A vendor by name, reference or key; none: all.
    pub vendor: Option<String>,
}

impl Asked {
    /// Reads it; the `usual` period counts when none is named.
    ///
    /// # Errors
    /// Every fault at its field: `period`, `from`, `to`, `vendor`.
    pub fn read(&self, conn: &mut Conn, usual: Option<Period>) -> Result<Ask> {
        let mut faults = Faults::none();
        let period = self.read_period(usual, &mut faults);
        let vendor = match given(self.vendor.as_ref()) {
            None => None,
            Some(text) => match vendor_called(conn, text)? {
                None => {
                    let wrong = format!(
                        "there is no vendor {text}; name it as it is written, or by V-7, or leave it out for all"
                    );
                    faults.add("vendor", wrong);
                    None
                }
                known => known,
            },
        };
        match period {
            Some(period) => Ok(faults.or(Ask { vendor, period })?),
            None => Err(Error::Invalid(faults.into_vec())),
        }
    }

    fn read_period(&self, usual: Option<Period>, faults: &mut Faults) -> Option<Period> {
        let date = |field: &str, text: Option<&str>, faults: &mut Faults| -> Option<NaiveDate> {
            match text {
                Some(text) => faults.take(field, reading::date(text)),
                None => {
                    let other = if field == "from" { "to" } else { "from" };
                    faults.add(field, format!("{field} is missing; {other} is there"));
                    None
                }
            }
        };
        let (from, to) = (given(self.from.as_ref()), given(self.to.as_ref()));
        match (given(self.period.as_ref()), from, to) {
            (Some(text), None, None) => faults.take("period", text.parse()),
            (Some(_), ..) => {
                faults.add("period", "name either a period or from and to, not both");
                None
            }
            (None, None, None) => {
                if usual.is_none() {
                    faults.add(
                        "period",
                        format!("period is missing; write it like {FORMS}"),
                    );
                }
                usual
            }
            (None, from, to) => {
                let (from, to) = (date("from", from, faults), date("to", to, faults));
                faults.take("to", Period::new(from?, to?))
            }
        }
    }
}

/// What stands in a field, if anything does.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// The vendor of that name, reference (`V-7`) or key, if there is one; a name comes first.
///
/// # Errors
/// When the database does not answer.
pub fn vendor_called(conn: &mut Conn, text: &str) -> Result<Option<VendorId>> {
    if let Some(vendor) = store::vendor::named(conn, text)? {
        return Ok(Some(vendor.id));
    }
    match store::vendor::find_by_key(conn, text) {
        Ok(vendor) => Ok(Some(vendor.id)),
        Err(Error::Refused(Refused::NotFound { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(period: &str, from: &str, to: &str) -> Result<Option<Period>, Vec<String>> {
        let field = |text: &str| Some(text.to_string());
        let asked = Asked {
            period: field(period),
            from: field(from),
            to: field(to),
            vendor: None,
        };
        let mut faults = Faults::none();
        let period = asked.read_period(None, &mut faults);
        let fields = faults.into_vec().into_iter().map(|fault| fault.field);
        let fields: Vec<String> = fields.collect();
        if fields.is_empty() {
            Ok(period)
        } else {
            Err(fields)
        }
    }

    #[test]
    fn a_period_is_named_in_one_word_or_by_both_its_ends() {
        let october = "2026-10".parse().ok();
        assert_eq!(asked("2026-10", "", ""), Ok(october));
        assert_eq!(asked("", "2026-10-01", "2026-11-01"), Ok(october));
        let wrong = |fields: &[&str]| Err(fields.iter().map(ToString::to_string).collect());
        assert_eq!(asked("", "", ""), wrong(&["period"]));
        assert_eq!(asked("soon", "", ""), wrong(&["period"]));
        assert_eq!(asked("2026-10", "2026-10-01", ""), wrong(&["period"]));
        assert_eq!(asked("", "2026-10-01", ""), wrong(&["to"]));
        assert_eq!(asked("", "x", "y"), wrong(&["from", "to"]));
        assert_eq!(asked("", "2026-11-01", "2026-10-01"), wrong(&["to"]));
    }
}
