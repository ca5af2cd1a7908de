//! Pictures with references: what one that nobody can read is told from.

use super::*;

fn brought() -> PictureBytes {
    PictureBytes::parse(picture_bytes().into()).expect("a picture")
}

#[tokio::test]
async fn every_reference_is_sent_as_a_file_of_one_form() {
    let (server, openai) = Server::with_account(|_| drawn()).await;
    let picture = draw(&openai, References::Pictures(vec![brought(); 3]));
    picture.await.expect("a picture");
    let asked = &server.asked()[0];
    assert!(asked.path.ends_with("edits"));
    assert_eq!(asked.form.matches("name=\"image[]\"").count(), 3);
    assert!(!asked.form.contains("http"), "{}", asked.form);
}

#[tokio::test]
async fn a_reference_nobody_can_read_is_told_from_a_request_that_is_wrong() {
    let (server, openai) = Server::with_account(|asked| {
        if asked.path.ends_with("edits") {
            return json_answer(
                400,
                json!({"error": {"message": "invalid image", "type": "image_generation_user_error", "param": "images[1]", "code": "invalid_image_file"}}),
            );
        }
        error(400, json!("invalid_image_file"))
    })
    .await;
    let picture = draw(&openai, References::Pictures(vec![brought(); 2]));
    let failed = picture.await.expect_err("no picture").kind;
    assert_eq!(failed, ErrorKind::ReferenceUnreadable { index: Some(1) });
    let [asked] = &server.asked()[..] else {
        panic!("no other model reads it either");
    };
    assert!(asked.form.contains(FIRST));
    let picture = draw(&openai, References::None);
    assert_eq!(
        picture.await.expect_err("no picture").kind,
        ErrorKind::Invalid
    );
}

#[tokio::test]
async fn an_edit_that_is_refused_without_a_word_is_put_down_to_its_references() {
    let (server, openai) =
        Server::with_account(|_| json_answer(400, json!({"error": "Error while reading a file"})))
            .await;
    let picture = draw(&openai, References::Pictures(vec![brought()])).await;
    let kind = picture.expect_err("no picture").kind;
    assert_eq!(kind, ErrorKind::ReferenceUnreadable { index: None });
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_reference_of_ours_is_sent_as_what_it_is() {
    let (server, openai) = Server::with_account(|_| drawn()).await;
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(300, 300)
        .write_to(&mut bytes, image::ImageFormat::WebP)
        .expect("encodes");
    let cover = PictureBytes::parse(bytes.into_inner().into()).expect("a picture");
    let picture = draw(&openai, References::Picture(cover));
    picture.await.expect("a picture");
    let form = &server.asked()[0].form;
    assert!(form.contains("Content-Type: image/webp") && form.contains("reference.webp"));
}
