//! Draws the picture of a prompt read from standard input: `draw_picture out.png [WIDTH HEIGHT]`.

use std::io::{Read, Result};

use stand_ins::storyteller::pictures;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |index: usize| {
        arguments
            .get(index)
            .and_then(|text| text.parse().ok())
            .unwrap_or(1024)
    };
    let mut prompt = String::new();
    std::io::stdin().read_to_string(&mut prompt)?;
    let path = arguments.get(1).map_or("picture.png", String::as_str);
    std::fs::write(path, pictures::draw(&prompt, number(2), number(3)))
}
