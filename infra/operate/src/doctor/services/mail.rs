//! Whether mails can be sent: the sender is verified with SES, and the account is out of its sandbox.

use super::Variables;
use crate::doctor::Finding;
use tokio::process::Command;

const WHAT: &str = "mail";

pub(super) async fn look_at(variables: Variables<'_>) -> Finding {
    let from = variables.get("EMAIL_FROM");
    if from.is_empty() {
        return Finding::note(WHAT, "EMAIL_FROM is not set: nobody is written to");
    }
    if !variables.get("AWS_ENDPOINT_URL_SESV2").is_empty() {
        return Finding::note(WHAT, "written to .local/mail, not sent");
    }
    let address = address_in(from);
    let identity = [
        "get-email-identity",
        "--email-identity",
        address,
        "--query",
        "VerifiedForSendingStatus",
    ];
    // What is verified may be the address or its domain.
    let domain = address
        .split_once('@')
        .map_or(address, |(_, domain)| domain);
    let of_domain = identity.map(|word| if word == address { domain } else { word });
    let (address, domain, account) = tokio::join!(
        ask(&identity),
        ask(&of_domain),
        ask(&["get-account", "--query", "ProductionAccessEnabled"]),
    );
    judge(address.or(domain), account)
}

fn judge(identity: Result<String, String>, account: Result<String, String>) -> Finding {
    match (identity.as_deref(), account.as_deref()) {
        (Ok("True"), Ok("True")) => Finding::new(WHAT, Ok(())),
        (Ok("True"), Ok(_)) => Finding::note(
            WHAT,
            "SES is in its sandbox: only verified addresses are written to",
        ),
        (Ok("True"), Err(problem)) | (Err(problem), _) => {
            Finding::note(WHAT, format!("SES was not asked: {problem}"))
        }
        (Ok(_), _) => Finding::new(
            WHAT,
            Err("the address of EMAIL_FROM is not verified with SES".to_owned()),
        ),
    }
}

/// `Name <address>` or the address alone.
fn address_in(from: &str) -> &str {
    let inner = from
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or(from, |(address, _)| address).trim()
}

/// One word of the AWS command line, which has whatever it is signed in as.
async fn ask(words: &[&str]) -> Result<String, String> {
    let asked = Command::new("aws")
        .arg("sesv2")
        .args(words)
        .args(["--output", "text"])
        .output();
    let asked = asked
        .await
        .map_err(|error| format!("no AWS command line ({error})"))?;
    match asked.status.success() {
        true => Ok(String::from_utf8_lossy(&asked.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&asked.stderr).trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_sender_that_is_not_verified_is_a_problem_and_a_sandbox_is_worth_a_note() {
        let answer = |text: &str| Ok::<_, String>(text.to_owned());
        let verdict = |identity, account| judge(identity, account).verdict;
        assert_eq!(verdict(answer("True"), answer("True")), Verdict::Fine);
        assert!(matches!(
            verdict(answer("True"), answer("False")),
            Verdict::Note(_)
        ));
        assert!(matches!(
            verdict(answer("False"), answer("True")),
            Verdict::Problem(_)
        ));
        assert!(matches!(
            verdict(Err("away".to_owned()), answer("True")),
            Verdict::Note(_)
        ));
        assert_eq!(
            address_in("Storytailor <books@example.com>"),
            "books@example.com"
        );
        assert_eq!(address_in("books@example.com"), "books@example.com");
    }
}
