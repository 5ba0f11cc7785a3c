//! Lists in pages: `limit` and `cursor` in, `items` and `next` out.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{Answer, Fault};
use crate::domain::input::Faults;
use crate::error::Error;

/// Items of a page when the caller does not say.
const USUAL: i64 = 50;
/// Most items of a page.
const MOST: i64 = 200;

/// Which page of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    limit: i64,
    cursor: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the page after this one, if there is one.
    pub next: Option<String>,
}

impl Paging {
    /// How many rows to ask the store for: one more than is shown, which tells whether there are more.
    pub fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// The key after which the page begins, as [`Paging::listing`] made it.
    ///
    /// # Errors
    /// At `cursor` when it was not made by the same list.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Error> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let key = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        match key {
            Some(key) => Ok(Some(key)),
            None => Err(Error::field(
                "cursor",
                "this is not a cursor of this list; take it from next of the page before",
            )),
        }
    }

    /// Makes a page of the rows that were read; `key` is what the list is ordered by.
    pub fn listing<T, K: Serialize>(
        &self,
        mut items: Vec<T>,
        key: impl FnOnce(&T) -> K,
    ) -> Listing<T> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| more)
            .and_then(|last| serde_json::to_vec(&key(last)).ok())
            .map(|key| URL_SAFE_NO_PAD.encode(key));
        Listing { items, next }
    }
}

impl<T> Listing<T> {
    /// The same page of something made from the items.
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Listing<U> {
        Listing {
            items: self.items.into_iter().map(make).collect(),
            next: self.next,
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    limit: Option<String>,
    cursor: Option<String>,
}

impl FromRequest for Paging {
    type Error = Fault;
    type Future = Ready<Answer<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = Query::<Asked>::from_query(request.query_string());
        ready(match asked {
            Ok(Query(asked)) => asked.paging(),
            Err(_) => Err(Fault::Malformed(
                "limit and cursor may each stand once in the query".to_string(),
            )),
        })
    }
}

impl Asked {
    fn paging(self) -> Answer<Paging> {
        let mut faults = Faults::none();
        let limit = match self.limit.as_deref() {
            None => USUAL,
            Some(text) => text.parse().unwrap_or_default(),
        };
        faults.require(
            (1..=MOST).contains(&limit),
            "limit",
            format!("limit must be a whole number from 1 to {MOST}"),
        );
        let cursor = self.cursor.filter(|cursor| !cursor.is_empty());
        Ok(faults.or(Paging { limit, cursor })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(limit: &str, cursor: Option<&str>) -> Answer<Paging> {
        Asked {
            limit: Some(limit.to_string()),
            cursor: cursor.map(str::to_string),
        }
        .paging()
    }

    #[test]
    fn the_cursor_leads_to_what_follows_and_ends() {
        let first = paging("2", None).unwrap();
        assert_eq!(first.rows(), 3);
        let page = first.listing(vec![4, 5, 6], |item| *item);
        assert_eq!(page.items, [4, 5]);
        let second = paging("2", page.next.as_deref()).unwrap();
        assert_eq!(second.after::<i64>().unwrap(), Some(5));
        assert_eq!(second.listing(vec![6], |item| *item).next, None);
    }

    #[test]
    fn limits_and_cursors_that_are_none_are_refused_at_their_field() {
        for limit in ["0", "201", "many", "-1"] {
            assert_eq!(paging(limit, None).unwrap_err().fields()[0].field, "limit");
        }
        let wrong = paging("2", Some("???")).unwrap();
        assert!(wrong.after::<i64>().is_err());
    }
}
