//! Rows of several keys, by a statement that the database parses once.

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, SingleValue};
use diesel::{Column, QueryResult};

/// `column IN (…)`: what diesel's `eq_any` says too, which SQLite prepares anew each time. Here the list
/// is filled up to a power of two with a value that it has, so that the same few texts come again.
pub(super) struct Among<C, T> {
    column: C,
    values: Vec<T>,
}

/// Makes [`Among`] of a column.
pub(super) trait AmongValues: Column + Sized {
    /// Whether the column has one of these values; never, if there are none.
    fn among<T: Copy>(self, values: &[T]) -> Among<Self, T> {
        let mut values = values.to_vec();
        if let Some(last) = values.last().copied() {
            values.resize(values.len().next_power_of_two(), last);
        }
        Among {
            column: self,
            values,
        }
    }
}

impl<C: Column> AmongValues for C {}

impl<C: Expression, T> Expression for Among<C, T> {
    type SqlType = Bool;
}

impl<C, T> ValidGrouping<()> for Among<C, T> {
    type IsAggregate = is_aggregate::No;
}

impl<C: AppearsOnTable<Q>, T, Q> AppearsOnTable<Q> for Among<C, T> where Self: Expression {}

impl<C: SelectableExpression<Q>, T, Q> SelectableExpression<Q> for Among<C, T> where
    Self: AppearsOnTable<Q>
{
}

impl<C, T> QueryId for Among<C, T> {
    type QueryId = ();
    // Texts differ by the number of values.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, T, DB> QueryFragment<DB> for Among<C, T>
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
