//! Insertions of many rows by one statement that the database parses once.
//!
//! Diesel prepares an insertion of several rows anew each time, and on SQLite that costs a tenth of the
//! time that a burst of letters takes. Here rows go to SQLite in groups of a few fixed sizes, so that each
//! size is prepared once for a connection and found again, and to PostgreSQL as one array for each column,
//! which has the same text for any number of rows.

use std::fmt;
use std::marker::PhantomData;

use super::Conn;

/// The most rows of one statement on SQLite: with the columns of the widest table well under what it
/// takes as parameters of one statement.
const MOST: usize = 64;

/// The most rows of one statement on PostgreSQL, which keeps them in memory meanwhile.
const MOST_IN_ARRAYS: usize = 512;

/// Splits rows into groups as that connection takes them.
pub(super) fn groups<'a, T>(conn: &Conn, rows: &'a [T]) -> Box<dyn Iterator<Item = &'a [T]> + 'a> {
    match conn {
        Conn::Postgres(_) => Box::new(rows.chunks(MOST_IN_ARRAYS)),
        Conn::Sqlite(_) => Box::new(powers_of_two(rows)),
    }
}

/// Splits rows into groups whose sizes are powers of two, the largest first.
fn powers_of_two<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1_usize << rows.len().min(MOST).checked_ilog2()?;
        let (group, rest) = rows.split_at(size);
        rows = rest;
        Some(group)
    })
}

/// What some rows have in one column, as an array; `C` names statement and column.
pub(super) struct Values<'a, K, C> {
    pub(super) rows: &'a [K],
    column: PhantomData<fn() -> C>,
}

impl<'a, K, C> Values<'a, K, C> {
    pub(super) fn of(rows: &'a [K]) -> Self {
        let column = PhantomData;
        Self { rows, column }
    }
}

impl<K, C> fmt::Debug for Values<'_, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.rows.len())
    }
}

/// Declares a statement that inserts rows of one kind, given by name, table and what stands in each
/// column:
///
/// ```text
/// bulk_insert! {
///     /// Enters notes.
///     InsertNotes(row: Note) into notes {
///         text: row.text,
///     }
///     on_conflict(id) set(text)       or   on_conflict(key) nothing   or neither
///     returning(id)                   or not
/// }
/// ```
///
/// Columns and values are checked against the schema by the compiler, as diesel's own are.
macro_rules! bulk_insert {
    (
        $(#[$meta:meta])*
        $name:ident($row:ident: $kind:ty) into $table:ident {
            $($column:ident: $value:expr),+ $(,)?
        }
        $(on_conflict($key:ident) $deed:ident $(($($set:ident),+ $(,)?))?)?
        $(returning($($returned:ident),+ $(,)?))?
    ) => {
        $(#[$meta])*
        struct $name<'a> {
            $($column: $crate::store::bulk::Values<'a, $kind, ($name<'static>, $table::$column)>,)+
            rows: &'a [$kind],
        }

        impl<'a> $name<'a> {
            fn of(rows: &'a [$kind]) -> Self {
                Self {
                    $($column: $crate::store::bulk::Values::of(rows),)+
                    rows,
                }
            }
        }

        $(
            impl<'a> diesel::serialize::ToSql<
                diesel::sql_types::Array<<$table::$column as diesel::Expression>::SqlType>,
                diesel::pg::Pg,
            > for $crate::store::bulk::Values<'a, $kind, ($name<'static>, $table::$column)> {
                fn to_sql<'b>(
                    &'b self,
                    out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
                ) -> diesel::serialize::Result {
                    let mut values = Vec::with_capacity(self.rows.len());
                    for $row in self.rows {
                        // What stands in a column may be the same for all rows.
                        let _ = $row;
                        values.push(&$value);
                    }
                    diesel::serialize::ToSql::<
                        diesel::sql_types::Array<<$table::$column as diesel::Expression>::SqlType>,
                        diesel::pg::Pg,
                    >::to_sql(values.as_slice(), &mut out.reborrow())
                }
            }
        )+

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                bulk_insert!(@into out, $table, $($column),+);
                let mut before = ") SELECT * FROM unnest(";
                $(
                    out.push_sql(before);
                    out.push_bind_param::<
                        diesel::sql_types::Array<<$table::$column as diesel::Expression>::SqlType>,
                        _,
                    >(&self.$column)?;
                    before = ", ";
                )+
                let _ = before;
                out.push_sql(")");
                bulk_insert!(@then out, $table,
                    { $(on_conflict($key) $deed $(($($set),+))?)? } { $($($returned),+)? });
                Ok(())
            }
        }

        impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                bulk_insert!(@into out, $table, $($column),+);
                let mut begin = ") VALUES (";
                for $row in self.rows {
                    $(
                        out.push_sql(begin);
                        out.push_bind_param::<<$table::$column as diesel::Expression>::SqlType, _>(&$value)?;
                        begin = ", ";
                    )+
                    let _ = begin;
                    begin = "), (";
                }
                out.push_sql(")");
                bulk_insert!(@then out, $table,
                    { $(on_conflict($key) $deed $(($($set),+))?)? } { $($($returned),+)? });
                Ok(())
            }
        }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = ();
            // The same type writes one row or many: the text tells statements apart.
            const HAS_STATIC_QUERY_ID: bool = false;
        }

        impl<C> diesel::RunQueryDsl<C> for $name<'_> {}

        $(
            impl diesel::query_builder::Query for $name<'_> {
                type SqlType = ($(<$table::$returned as diesel::Expression>::SqlType,)+);
            }
        )?
    };
    (@into $out:ident, $table:ident, $($column:ident),+) => {
        use diesel::Column;
        $out.push_sql(concat!("INSERT INTO ", stringify!($table)));
        for (place, name) in [$($table::$column::NAME),+].iter().enumerate() {
            $out.push_sql(if place == 0 { " (" } else { ", " });
            $out.push_identifier(name)?;
        }
    };
    (
        @then $out:ident, $table:ident,
        { $(on_conflict($key:ident) $deed:ident $(($($set:ident),+))?)? }
        { $($returned:ident),* }
    ) => {
        $(
            $out.push_sql(" ON CONFLICT (");
            $out.push_identifier($table::$key::NAME)?;
            $out.push_sql(bulk_insert!(@deed $deed));
            $(
                for (place, name) in [$($table::$set::NAME),+].iter().enumerate() {
                    $out.push_sql(if place == 0 { "" } else { ", " });
                    $out.push_identifier(name)?;
                    $out.push_sql(" = excluded.");
                    $out.push_identifier(name)?;
                }
            )?
        )?
        let returned: &[&str] = &[$($table::$returned::NAME),*];
        for (place, name) in returned.iter().enumerate() {
            $out.push_sql(if place == 0 { " RETURNING " } else { ", " });
            $out.push_identifier(name)?;
        }
    };
    (@deed nothing) => { ") DO NOTHING" };
    (@deed set) => { ") DO UPDATE SET " };
}

pub(super) use bulk_insert;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_group_of_a_size_that_comes_again() {
        for count in 0..300_usize {
            let rows: Vec<usize> = (0..count).collect();
            let groups: Vec<&[usize]> = powers_of_two(&rows).collect();
            assert_eq!(groups.concat(), rows);
            assert!(
                groups
                    .iter()
                    .all(|group| group.len().is_power_of_two() && group.len() <= MOST)
            );
        }
    }
}
