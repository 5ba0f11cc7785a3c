//! What is wrong with an input, field by field, all at once.

use serde::Serialize;

/// One fault of an input: where it is and the way out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FieldError {
    /// Path of the field as the API names it, such as `terms.commitments[2].target`.
    pub field: String,
    /// A sentence for the person who entered it: what is wrong and what would be right.
    pub message: String,
}

impl FieldError {
    /// A fault of that field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Collects faults until the whole input has been looked at.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldError>);

impl Faults {
    /// No fault yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// Notes a fault.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError::new(field, message));
    }

    /// Notes a fault unless the condition holds.
    pub fn require(&mut self, holds: bool, field: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.add(field, message);
        }
    }

    /// Notes the error, if it is one, and hands on the value, if there is one.
    pub fn take<T>(&mut self, field: &str, result: Result<T, impl ToString>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error.to_string());
                None
            }
        }
    }

    /// Whether a fault of that field was noted already.
    pub fn at(&self, field: &str) -> bool {
        self.0.iter().any(|fault| fault.field == field)
    }

    /// Notes what the `validator` derive finds, below the given path, at fields that have no fault
    /// yet: a field that could not be read is not also too short.
    pub fn check(&mut self, path: &str, input: &impl validator::Validate) {
        let mut found = Faults::none();
        found.extend_from(path, input.validate());
        found.0.retain(|fault| !self.at(&fault.field));
        self.0.append(&mut found.0);
    }

    /// Notes what the `validator` derive found, below the given path.
    pub fn extend_from(&mut self, path: &str, checked: Result<(), validator::ValidationErrors>) {
        if let Err(errors) = checked {
            collect(path, &errors, &mut self.0);
        }
    }

    /// Notes faults that were found elsewhere, below the given path.
    pub fn extend(&mut self, path: &str, faults: Vec<FieldError>) {
        for fault in faults {
            self.0
                .push(FieldError::new(join(path, &fault.field), fault.message));
        }
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults in order of field, or the value when there are none.
    pub fn or<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.into_vec())
        }
    }

    /// The faults in order of field.
    pub fn into_vec(mut self) -> Vec<FieldError> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}

/// The path of a field below another.
pub(crate) fn join(path: &str, field: &str) -> String {
    match (path.is_empty(), field.is_empty()) {
        (true, _) => field.to_string(),
        (_, true) => path.to_string(),
        _ if field.starts_with('[') => format!("{path}{field}"),
        _ => format!("{path}.{field}"),
    }
}

fn collect(path: &str, errors: &validator::ValidationErrors, into: &mut Vec<FieldError>) {
    use validator::ValidationErrorsKind::{Field, List, Struct};
    for (field, kind) in errors.errors() {
        let here = join(path, field);
        match kind {
            Field(faults) => into.extend(faults.iter().map(|fault| {
                let message = fault.message.as_ref().map_or_else(
                    || format!("is not acceptable ({})", fault.code),
                    |message| message.to_string(),
                );
                FieldError::new(here.clone(), message)
            })),
            Struct(inner) => collect(&here, inner, into),
            List(items) => {
                for (index, inner) in items {
                    collect(&format!("{here}[{index}]"), inner, into);
                }
            }
        }
    }
}
