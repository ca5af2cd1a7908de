//! All that is wrong with a body, at once: what was complained of is put aside, and the rest is looked at again.

use crate::{
    error::ApiError,
    extract::{
        Checked,
        json::{BadJson, read_as},
    },
};
use domain::request::InvalidField;
use serde_json::Value;

/// Enough for whoever corrects a form; the next request tells the rest.
const COMPLAINTS_MAX: usize = 20;

/// The request that `body` is.
///
/// # Errors
/// Every field that cannot be accepted, the first one first.
pub(crate) fn check<T: Checked>(mut body: Value) -> Result<T, ApiError> {
    let mut complaints: Vec<InvalidField> = Vec::new();
    loop {
        let complaint = match read_as(&body).map_err(complaint_of).map(T::check) {
            Ok(Ok(request)) if complaints.is_empty() => return Ok(request),
            Ok(Ok(_)) => break,
            Ok(Err(complaint)) | Err(complaint) => complaint,
        };
        let (field, is_first) = (complaint.field.to_string(), complaints.is_empty());
        let is_new = complaints.iter().all(|known| known.field != field);
        // Of what is left when something was put aside, no more can be said of the whole.
        if is_new && (is_first || field != "body") {
            complaints.push(complaint);
        }
        if !is_new || complaints.len() == COMPLAINTS_MAX || !put_aside(&mut body, &field, T::LEAST)
        {
            break;
        }
    }
    Err(ApiError::invalid_fields(&complaints))
}

fn complaint_of(bad: BadJson) -> InvalidField {
    match bad {
        BadJson::Part { path, problem } if path.is_empty() => InvalidField::new("body", problem),
        BadJson::Part { path, problem } => InvalidField::new(path, problem),
        BadJson::Syntax(problem) => InvalidField::new("body", problem),
    }
}

/// Takes a member out of `body`, or puts that of `least`, which is good, in its place; false where neither can be done. Of
/// a list the whole is taken, for its other entries would change their numbers.
fn put_aside(body: &mut Value, field: &str, least: &str) -> bool {
    let inner = field.split_once('.').filter(|_| !field.contains('['));
    let name = field.split(['.', '[']).next().unwrap_or(field);
    let Some(members) = body.as_object_mut() else {
        return false;
    };
    let mut names = members.keys();
    // A member may have been sent under its other name.
    let sent = names.find(|sent| plain(sent) == plain(name)).cloned();
    let least: Value = serde_json::from_str(least).unwrap_or_default();
    match (inner, sent, least.get(name)) {
        (Some((_, inner)), Some(sent), _) if members[&sent].get(inner).is_some() => {
            let outer = members.get_mut(&sent).and_then(Value::as_object_mut);
            outer.is_some_and(|outer| outer.remove(inner).is_some())
        }
        (_, sent, Some(good)) => {
            members.insert(sent.unwrap_or_else(|| name.to_owned()), good.clone());
            true
        }
        (_, Some(sent), None) => members.remove(&sent).is_some(),
        (_, None, None) => false,
    }
}

fn plain(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}
