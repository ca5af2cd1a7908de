//! Looking at a picture: whether anything is on it, and whether it shows what it should.

use serde_json::{Value, json};

use super::request::StoryRequest;

/// The answer to an `image_check` request.
///
/// A picture passes unless it is blank or the check was told to fail; which traits are on it is
/// taken on trust, for the stand-in drew it from the same words.
pub(super) fn check(request: &StoryRequest, pictures: &[Vec<u8>], must_fail: bool) -> Value {
    let blank = pictures.iter().any(|picture| is_blank(picture));
    let asked = request.data["traits"].as_array();
    let asked = asked.map(Vec::as_slice).unwrap_or_default();
    let label = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => ["label", "name", "code", "trait"]
            .iter()
            .find_map(|name| other.get(name)?.as_str())
            .unwrap_or_default()
            .to_owned(),
    };
    let checks: Vec<Value> = asked
        .iter()
        .enumerate()
        .map(|(index, wanted)| json!({ "trait": label(wanted), "present": !(blank || must_fail && index == 0) }))
        .collect();
    let feedback = match (blank, must_fail) {
        (true, _) => "The picture is blank: there is nobody on it.".to_owned(),
        (false, true) => {
            let missing = asked
                .first()
                .map(&label)
                .unwrap_or_else(|| "the character".into());
            format!("The picture does not clearly show this: {missing}. Please make it visible.")
        }
        _ => "The character is shown clearly and kindly, and everything asked for can be seen."
            .to_owned(),
    };
    json!({ "passed": !blank && !must_fail, "safe": !blank, "feedback": feedback, "checks": checks })
}

/// Whether a picture is all of one color, near enough.
fn is_blank(picture: &[u8]) -> bool {
    let Ok(decoded) = image::load_from_memory(picture) else {
        return false;
    };
    let small = decoded.thumbnail(32, 32).to_luma8();
    let (low, high) = small
        .pixels()
        .fold((u8::MAX, u8::MIN), |(low, high), pixel| {
            (low.min(pixel[0]), high.max(pixel[0]))
        });
    high.saturating_sub(low) < 6 && small.width() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(pixels: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb(pixels(x, y)));
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_blank_picture_fails_and_a_drawn_one_passes() {
        let request = StoryRequest::read(r#"{"assetType":"cover","traits":["wheelchair"]}"#);
        assert_eq!(
            check(&request, &[png(|_, _| [200, 200, 200])], false)["passed"],
            false
        );
        assert_eq!(
            check(
                &request,
                &[png(|x, y| [x as u8 * 4, y as u8 * 4, 9])],
                false
            )["passed"],
            true
        );
    }

    #[test]
    fn a_check_told_to_fail_names_the_missing_trait() {
        let request =
            StoryRequest::read(r#"{"assetType":"cover","traits":["wheelchair","glasses"]}"#);
        let answer = check(&request, &[], true);
        assert_eq!(
            (&answer["passed"], &answer["checks"][0]["present"]),
            (&json!(false), &json!(false))
        );
        assert!(answer["feedback"].as_str().unwrap().contains("wheelchair"));
    }
}
