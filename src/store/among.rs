//! Rows of several keys, by a statement that the database parses once.
//!
//! Diesel's `eq_any` says it with a list whose length is part of the text, which SQLite prepares anew each
//! time and for which PostgreSQL keeps a plan of its own: made while a table was small, it reads all of it
//! long after it has grown.

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Array, BigInt, Bool, HasSqlType, SingleValue, SqlType};
use diesel::sqlite::Sqlite;
use diesel::{Column, QueryResult};

use super::conn::MultiBackend;

/// Makes conditions on a column with several values.
pub(super) trait AmongValues: Column + Sized {
    /// Whether the column has one of these keys; never, if there are none.
    fn among<K: Copy + Into<i64>>(self, keys: &[K]) -> AmongKeys<Self> {
        let keys: Vec<i64> = keys.iter().map(|key| (*key).into()).collect();
        AmongKeys(self.listed(&keys))
    }

    /// The same for values of other types, as a list on both databases.
    fn listed<T: Copy>(self, values: &[T]) -> Listed<Self, T> {
        let mut values = values.to_vec();
        if let Some(last) = values.last().copied() {
            values.resize(values.len().next_power_of_two(), last);
        }
        Listed {
            column: self,
            values,
        }
    }
}

impl<C: Column> AmongValues for C {}

/// `column IN (…)`. The list is filled up to a power of two with a value that it has, so that the same few
/// texts come again.
pub(super) struct Listed<C, T> {
    column: C,
    values: Vec<T>,
}

/// `column = ANY (array)` on PostgreSQL, one text for any number of keys; [`Listed`] on SQLite.
pub(super) struct AmongKeys<C>(Listed<C, i64>);

/// Keys as one value: `bigint[]`, which only PostgreSQL has. SQLite never gets to see it.
#[derive(SqlType)]
#[diesel(postgres_type(oid = 1016, array_oid = 0))]
#[diesel(sqlite_type(name = "Binary"))]
struct KeyArray;

impl ToSql<KeyArray, Pg> for Vec<i64> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Array<BigInt>, Pg>::to_sql(self, out)
    }
}

impl ToSql<KeyArray, Sqlite> for Vec<i64> {
    fn to_sql<'b>(&'b self, _: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        Err("SQLite has no arrays".into())
    }
}

impl HasSqlType<KeyArray> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<KeyArray>(lookup)
    }
}

impl ToSql<KeyArray, MultiBackend> for Vec<i64> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((KeyArray, self));
        Ok(IsNull::No)
    }
}

impl<C, DB> QueryFragment<DB> for AmongKeys<C>
where
    DB: Backend + HasArrays + HasSqlType<KeyArray>,
    C: QueryFragment<DB>,
    Vec<i64>: ToSql<KeyArray, DB>,
    Listed<C, i64>: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if !out.backend().has_arrays() {
            return self.0.walk_ast(out);
        }
        self.0.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY (");
        out.push_bind_param::<KeyArray, _>(&self.0.values)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Which of the databases has arrays.
trait HasArrays {
    fn has_arrays(&self) -> bool;
}

impl HasArrays for Pg {
    fn has_arrays(&self) -> bool {
        true
    }
}

impl HasArrays for Sqlite {
    fn has_arrays(&self) -> bool {
        false
    }
}

impl HasArrays for MultiBackend {
    fn has_arrays(&self) -> bool {
        matches!(self, MultiBackend::Postgres(_))
    }
}

impl<C, T, DB> QueryFragment<DB> for Listed<C, T>
where
    DB: Backend + HasSqlType<C::SqlType>,
    C: Column + QueryFragment<DB>,
    C::SqlType: SingleValue,
    T: ToSql<C::SqlType, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.values.is_empty() {
            out.push_sql("1 = 0");
            return Ok(());
        }
        self.column.walk_ast(out.reborrow())?;
        let mut before = " IN (";
        for value in &self.values {
            out.push_sql(before);
            out.push_bind_param::<C::SqlType, _>(value)?;
            before = ", ";
        }
        out.push_sql(")");
        Ok(())
    }
}

/// A condition in diesel's eyes.
macro_rules! condition {
    ($name:ident<C $(, $value:ident)?>) => {
        impl<C: Expression $(, $value)?> Expression for $name<C $(, $value)?> {
            type SqlType = Bool;
        }

        impl<C $(, $value)?> ValidGrouping<()> for $name<C $(, $value)?> {
            type IsAggregate = is_aggregate::No;
        }

        impl<C: AppearsOnTable<Q> $(, $value)?, Q> AppearsOnTable<Q> for $name<C $(, $value)?> where
            Self: Expression
        {
        }

        impl<C: SelectableExpression<Q> $(, $value)?, Q> SelectableExpression<Q> for $name<C $(, $value)?> where
            Self: AppearsOnTable<Q>
        {
        }

        impl<C $(, $value)?> QueryId for $name<C $(, $value)?> {
            type QueryId = ();
            // Texts differ by the database and the number of values.
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    };
}

condition!(Listed<C, T>);
condition!(AmongKeys<C>);
