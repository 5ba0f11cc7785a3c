//! Insertions of many rows by one statement that the database parses once.
//!
//! Diesel prepares an insertion of several rows anew each time, and on SQLite that costs a tenth of the
//! time that a burst of letters takes. Here rows go in groups of a few fixed sizes, so that each size is
//! prepared once for a connection and found again.

/// The most rows of one statement: with the columns of the widest table well under what SQLite and
/// PostgreSQL take as parameters of one statement.
const MOST: usize = 64;

/// Splits rows into groups whose sizes are powers of two, the largest first.
pub(super) fn groups<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1_usize << rows.len().min(MOST).checked_ilog2()?;
        let (group, rest) = rows.split_at(size);
        rows = rest;
        Some(group)
    })
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
        struct $name<'a>(&'a [$kind]);

        bulk_insert!(@fragment diesel::pg::Pg, $name, $row, $table, { $($column: $value),+ }
            { $(on_conflict($key) $deed $(($($set),+))?)? } { $($($returned),+)? });
        bulk_insert!(@fragment diesel::sqlite::Sqlite, $name, $row, $table, { $($column: $value),+ }
            { $(on_conflict($key) $deed $(($($set),+))?)? } { $($($returned),+)? });

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
    (
        @fragment $backend:ty, $name:ident, $row:ident, $table:ident,
        { $($column:ident: $value:expr),+ }
        { $(on_conflict($key:ident) $deed:ident $(($($set:ident),+))?)? }
        { $($returned:ident),* }
    ) => {
        impl diesel::query_builder::QueryFragment<$backend> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> {
                use diesel::Column;
                out.push_sql(concat!("INSERT INTO ", stringify!($table)));
                for (place, name) in [$($table::$column::NAME),+].iter().enumerate() {
                    out.push_sql(if place == 0 { " (" } else { ", " });
                    out.push_identifier(name)?;
                }
                let mut begin = ") VALUES (";
                for $row in self.0 {
                    $(
                        out.push_sql(begin);
                        out.push_bind_param::<<$table::$column as diesel::Expression>::SqlType, _>(&$value)?;
                        begin = ", ";
                    )+
                    let _ = begin;
                    begin = "), (";
                }
                out.push_sql(")");
                $(
                    out.push_sql(" ON CONFLICT (");
                    out.push_identifier($table::$key::NAME)?;
                    out.push_sql(bulk_insert!(@deed $deed));
                    $(
                        for (place, name) in [$($table::$set::NAME),+].iter().enumerate() {
                            out.push_sql(if place == 0 { "" } else { ", " });
                            out.push_identifier(name)?;
                            out.push_sql(" = excluded.");
                            out.push_identifier(name)?;
                        }
                    )?
                )?
                let returned: &[&str] = &[$($table::$returned::NAME),*];
                for (place, name) in returned.iter().enumerate() {
                    out.push_sql(if place == 0 { " RETURNING " } else { ", " });
                    out.push_identifier(name)?;
                }
                Ok(())
            }
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
            let groups: Vec<&[usize]> = groups(&rows).collect();
            assert_eq!(groups.concat(), rows);
            assert!(
                groups
                    .iter()
                    .all(|group| group.len().is_power_of_two() && group.len() <= MOST)
            );
        }
    }
}
