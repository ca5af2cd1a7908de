//! The logical replication messages of `pgoutput`, protocol version 1.
//!
//! Layout: PostgreSQL 15 documentation, section 55.9 "Logical Replication Message Formats".

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use crate::change::{Action, Cell, OldRow, Relation, RelationColumn, RowChange};

/// Microseconds from 1970 to 2000, where Postgres counts from.
const POSTGRES_EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

/// The log says something this reader does not understand.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// A message is shorter than its layout.
    #[error("a message of kind `{0}` ends too early")]
    Truncated(char),
    /// Text that is not UTF-8: the database has another encoding.
    #[error("a message holds text that is not UTF-8")]
    Encoding,
    /// A row of a table that was not described before.
    #[error("a row of unknown table {0}")]
    UnknownRelation(u32),
    /// A change outside of a transaction, or an unknown tuple or replica identity tag.
    #[error("an unexpected `{0}`")]
    Unexpected(char),
}

/// All row changes in `messages`; each run of the decoder describes its tables anew.
pub(crate) fn decode(messages: &[Vec<u8>]) -> Result<Vec<RowChange>, DecodeError> {
    let mut relations: HashMap<u32, Arc<Relation>> = HashMap::new();
    let mut committed_at = None;
    let mut changes = Vec::new();
    for message in messages {
        let Some((&kind, body)) = message.split_first() else {
            continue;
        };
        let mut reader = Reader {
            kind: char::from(kind),
            body,
        };
        match kind {
            b'B' => {
                let _final_position = reader.u64()?;
                let microseconds = reader
                    .u64()?
                    .cast_signed()
                    .saturating_add(POSTGRES_EPOCH_MICROSECONDS);
                committed_at = Timestamp::from_microsecond(microseconds).ok();
            }
            b'R' => {
                let relation = reader.relation()?;
                relations.insert(relation.oid, Arc::new(relation));
            }
            b'I' | b'U' | b'D' => {
                let committed_at = committed_at.ok_or(DecodeError::Unexpected(reader.kind))?;
                let oid = reader.u32()?;
                let relation = relations
                    .get(&oid)
                    .cloned()
                    .ok_or(DecodeError::UnknownRelation(oid))?;
                let (old, new) = reader.tuples()?;
                let action = match kind {
                    b'I' => Action::Insert,
                    b'U' => Action::Update,
                    _ => Action::Delete,
                };
                changes.push(RowChange {
                    relation,
                    action,
                    committed_at,
                    new,
                    old,
                });
            }
            // Commit, origin, type, truncate: nothing for a subscriber.
            _ => {}
        }
    }
    Ok(changes)
}

struct Reader<'a> {
    kind: char,
    body: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (part, rest) = self
            .body
            .split_at_checked(length)
            .ok_or(DecodeError::Truncated(self.kind))?;
        self.body = rest;
        Ok(part)
    }

    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], DecodeError> {
        let (part, rest) = self
            .body
            .split_first_chunk::<LENGTH>()
            .ok_or(DecodeError::Truncated(self.kind))?;
        self.body = rest;
        Ok(*part)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// Text up to a zero byte.
    fn name(&mut self) -> Result<String, DecodeError> {
        let end = self
            .body
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(DecodeError::Truncated(self.kind))?;
        let text = text(self.take(end)?)?;
        self.u8()?;
        Ok(text)
    }

    fn relation(&mut self) -> Result<Relation, DecodeError> {
        let oid = self.u32()?;
        let (schema, table) = (self.name()?, self.name()?);
        let _replica_identity = self.u8()?;
        let count = self.u16()?;
        let mut columns = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let identifies = self.u8()? & 1 == 1;
            let name = self.name()?;
            let _type_and_modifier = self.u64()?;
            columns.push(RelationColumn { name, identifies });
        }
        Ok(Relation {
            oid,
            schema,
            table,
            columns,
        })
    }

    fn tuples(&mut self) -> Result<(Option<OldRow>, Option<Vec<Cell>>), DecodeError> {
        let (mut old, mut new) = (None, None);
        while !self.body.is_empty() {
            match self.u8()? {
                b'K' => old = Some(OldRow::Key(self.tuple()?)),
                b'O' => old = Some(OldRow::Full(self.tuple()?)),
                b'N' => new = Some(self.tuple()?),
                other => return Err(DecodeError::Unexpected(char::from(other))),
            }
        }
        Ok((old, new))
    }

    fn tuple(&mut self) -> Result<Vec<Cell>, DecodeError> {
        let count = self.u16()?;
        let mut cells = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            cells.push(match self.u8()? {
                b'n' => Cell::Null,
                b'u' => Cell::UnchangedToast,
                b't' => {
                    let length = self.u32()?;
                    Cell::Text(text(self.take(length as usize)?)?)
                }
                other => return Err(DecodeError::Unexpected(char::from(other))),
            });
        }
        Ok(cells)
    }
}

fn text(bytes: &[u8]) -> Result<String, DecodeError> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| DecodeError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin() -> Vec<u8> {
        [&b"B"[..], &[0; 8], &1_000_000_u64.to_be_bytes(), &[0; 4]].concat()
    }

    fn relation() -> Vec<u8> {
        let mut message = [
            &b"R"[..],
            &7_u32.to_be_bytes(),
            b"public\0pages\0d",
            &2_u16.to_be_bytes(),
        ]
        .concat();
        message.extend_from_slice(b"\x01id\0");
        message.extend_from_slice(&[0; 8]);
        message.extend_from_slice(b"\x00body\0");
        message.extend_from_slice(&[0; 8]);
        message
    }

    fn update_with_untouched_body() -> Vec<u8> {
        [
            &b"U"[..],
            &7_u32.to_be_bytes(),
            b"N",
            &2_u16.to_be_bytes(),
            b"t",
            &1_u32.to_be_bytes(),
            b"5",
            b"u",
        ]
        .concat()
    }

    #[test]
    fn an_update_is_read_with_its_time_and_its_missing_large_value() {
        let changes = decode(&[begin(), relation(), update_with_untouched_body()]).unwrap();
        let [change] = changes.as_slice() else {
            panic!("{changes:?}")
        };
        assert_eq!(change.action, Action::Update);
        assert_eq!(
            (
                change.relation.schema.as_str(),
                change.relation.table.as_str()
            ),
            ("public", "pages")
        );
        assert_eq!(change.committed_at.to_string(), "2000-01-01T00:00:01Z");
        assert_eq!(change.filterable_text("id"), Some("5"));
        assert_eq!(change.new_cell(1), Some(&Cell::UnchangedToast));
        assert_eq!(change.filterable_text("body"), None);
    }

    #[test]
    fn a_delete_shows_only_what_the_replica_identity_logs() {
        let delete = [
            &b"D"[..],
            &7_u32.to_be_bytes(),
            b"K",
            &2_u16.to_be_bytes(),
            b"t",
            &1_u32.to_be_bytes(),
            b"5",
            b"n",
        ];
        let changes = decode(&[begin(), relation(), delete.concat()]).unwrap();
        assert_eq!(changes[0].old_cell(0), Some(&Cell::Text("5".into())));
        assert_eq!(changes[0].old_cell(1), None);
        assert_eq!(changes[0].filterable_text("body"), None);
    }

    #[test]
    fn every_truncation_is_an_error_and_not_a_panic() {
        let update = update_with_untouched_body();
        for length in 6..update.len() {
            assert!(
                decode(&[begin(), relation(), update[..length].to_vec()]).is_err(),
                "{length} bytes"
            );
        }
        let relation = relation();
        for length in 1..relation.len() {
            assert!(
                decode(&[begin(), relation[..length].to_vec()]).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_row_of_an_undescribed_table_is_an_error() {
        assert_eq!(
            decode(&[begin(), update_with_untouched_body()]).unwrap_err(),
            DecodeError::UnknownRelation(7)
        );
    }
}
