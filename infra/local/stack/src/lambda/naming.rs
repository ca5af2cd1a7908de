//! The many ways a caller may write a function's name, and the names AWS derives from it.

use jiff::Timestamp;
use uuid::Uuid;

/// The function name inside a name, a partial ARN or a full ARN, without its qualifier.
///
/// The forms are those of the `FunctionName` parameter of `Invoke`: `name`, `name:live`,
/// `123456789012:function:name`, `arn:aws:lambda:REGION:ACCOUNT:function:name:live`.
pub(crate) fn bare_function_name(given: &str) -> &str {
    let after_marker = match given.split_once(":function:") {
        Some((_, rest)) => rest,
        None => given.strip_prefix("function:").unwrap_or(given),
    };
    after_marker.split(':').next().unwrap_or(after_marker)
}

pub(crate) fn function_arn(region: &str, account_id: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{account_id}:function:{name}")
}

pub(crate) fn rule_arn(region: &str, account_id: &str, rule: &str) -> String {
    format!("arn:aws:events:{region}:{account_id}:rule/{rule}")
}

/// A stream name as CloudWatch shows it: day, version, and an id for the instance.
pub(crate) fn log_stream(now: Timestamp) -> String {
    format!(
        "{}/[$LATEST]{}",
        now.strftime("%Y/%m/%d"),
        Uuid::new_v4().simple()
    )
}

/// A fresh, unsampled X-Ray trace header.
pub(crate) fn trace_id(now: Timestamp) -> String {
    let root = Uuid::new_v4().simple().to_string();
    let parent = Uuid::new_v4().simple().to_string();
    format!(
        "Root=1-{:08x}-{};Parent={};Sampled=0",
        now.as_second(),
        &root[..24],
        &parent[..16]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_of_a_name_is_understood() {
        for form in [
            "worker",
            "worker:live",
            "worker:$LATEST",
            "function:worker",
            "123456789012:function:worker",
            "arn:aws:lambda:eu-west-1:123456789012:function:worker",
            "arn:aws:lambda:eu-west-1:123456789012:function:worker:7",
        ] {
            assert_eq!(bare_function_name(form), "worker", "{form}");
        }
    }

    #[test]
    fn a_trace_header_has_the_parts_x_ray_asks_for() {
        let header = trace_id(Timestamp::from_second(0x6741_0000).unwrap());
        assert!(header.starts_with("Root=1-67410000-"), "{header}");
        assert_eq!(
            header.len(),
            "Root=1-67410000-".len() + 24 + ";Parent=".len() + 16 + ";Sampled=0".len()
        );
    }
}
