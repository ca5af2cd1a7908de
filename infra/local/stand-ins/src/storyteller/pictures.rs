//! Pictures: from the words of a prompt to an illustration of that character in that scene, put
//! together from the drawings in `pictures/`.

mod brief;
mod color;
mod figure;
mod looks;
mod paint;
mod scene;
pub(crate) mod shelf;

use std::sync::LazyLock;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::storyteller::seeded::Seeded;
pub use brief::scene_number;

/// Draws what a prompt describes, `width` by `height` pixels, as PNG.
pub fn draw(prompt: &str, width: u32, height: u32) -> Vec<u8> {
    let brief = brief::Brief::read(prompt);
    let svg = scene::compose(&brief, width, height);
    encode(&rasterise(&svg, width, height), width, height)
}

/// Whether there is a drawing for a species, such as `tugboat`; for others the nearest figure is drawn.
pub fn can_draw(species: &str) -> bool {
    looks::can_draw(species)
}

/// Red, green and blue of every pixel, on paper; white when the drawings cannot be read.
fn rasterise(svg: &str, width: u32, height: u32) -> Vec<u8> {
    let tree = Tree::from_str(svg, &Options::default());
    if let Err(cause) = &tree {
        tracing::error!("A picture could not be read back as SVG: {cause}");
    }
    let (Ok(tree), Some(mut pixmap)) = (tree, Pixmap::new(width, height)) else {
        return vec![255; width as usize * height as usize * 3];
    };
    resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
    let mut pixels = Vec::with_capacity(pixmap.data().len() / 4 * 3);
    for (y, row) in pixmap.data().chunks_exact(width as usize * 4).enumerate() {
        let grain = &PAPER[y / GRAIN_CELL % GRAIN_TILE * GRAIN_TILE..][..GRAIN_TILE];
        for (x, pixel) in row.chunks_exact(4).enumerate() {
            let shade = grain[x / GRAIN_CELL % GRAIN_TILE];
            pixels.extend([0, 1, 2].map(|part| pixel[part].saturating_add_signed(shade)));
        }
    }
    pixels
}

const GRAIN_CELL: usize = 6;
const GRAIN_TILE: usize = 64;

/// The unevenness of paper: large soft blotches, the same on every picture.
static PAPER: LazyLock<Vec<i8>> = LazyLock::new(|| {
    let mut seeded = Seeded::from_text("paper");
    let blotch = |_| (seeded.between(-4.0, 4.0) as i8) / 2;
    (0..GRAIN_TILE * GRAIN_TILE).map(blotch).collect()
});

fn encode(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive);
    let written = encoder.write_image(pixels, width, height, ExtendedColorType::Rgb8);
    if let Err(cause) = written {
        tracing::error!("A picture could not be encoded: {cause}");
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(scene: &str, number: u8) -> String {
        format!(
            "Character: Maya — species: human; hair: curly; skin: brown; traits: wheelchair, glasses\n\
             Palette: Bright sunrise warmth (#D9622B, #E8A32B, #2F6B7A)\nScene: {scene}\nScene number: {number}"
        )
    }

    #[test]
    fn the_same_prompt_gives_the_same_bytes_and_another_scene_others() {
        let forest = draw(&prompt("Maya in the forest", 2), 128, 128);
        assert_eq!(forest, draw(&prompt("Maya in the forest", 2), 128, 128));
        assert_ne!(forest, draw(&prompt("Maya in a cave", 3), 128, 128));
    }

    #[test]
    fn a_picture_has_the_size_asked_for() {
        for (width, height) in [(192, 128), (128, 192), (64, 64)] {
            let picture =
                image::load_from_memory(&draw(&prompt("a meadow", 1), width, height)).unwrap();
            assert_eq!((picture.width(), picture.height()), (width, height));
        }
    }

    #[test]
    fn every_place_and_everybody_can_be_drawn_in_colors_that_are_known() {
        let places = "meadow forest river cave beach underwater town bedroom classroom mountain snow \
            cloud roofs garden castle desert planet bridge";
        let everybody =
            crate::storyteller::data::lines(include_str!("../../pictures/creatures.txt"));
        let everybody =
            everybody.chain(["human; hair: braids; traits: crutches, braces, vitiligo"]);
        let places = places.split(' ').cycle();
        for (index, (somebody, place)) in everybody.zip(places).enumerate() {
            let name = somebody.split([',', '|']).next().unwrap().trim();
            let prompt = format!(
                "Character: Zoe; species: {name}; clothes: red coat and a scarf, a crown; traits: glasses\n\
                 Scene: Zoe and a fox on a {place} in the rain with a lantern\nScene number: {}",
                index % 5
            );
            let svg = scene::compose(&brief::Brief::read(&prompt), 64, 64);
            assert!(
                Tree::from_str(&svg, &Options::default()).is_ok(),
                "{prompt}"
            );
            assert!(!svg.contains(paint::UNKNOWN), "{prompt}");
        }
    }

    #[test]
    fn four_styles_look_different_and_an_unknown_one_as_usual() {
        let usual = prompt("a meadow", 1);
        let mut seen = vec![draw(&usual, 128, 128)];
        assert!(seen[0] == draw(&format!("Style: wonderful\n{usual}"), 128, 128));
        for style in [
            "watercolour",
            "paper collage",
            "soft 3D animation",
            "ink and crayon",
        ] {
            let styled = draw(&format!("Style: {style}\n{usual}"), 128, 128);
            assert!(!seen.contains(&styled), "{style}");
            seen.push(styled);
        }
    }

    #[test]
    fn a_trait_changes_the_picture() {
        let with = prompt("a meadow", 1);
        for trait_name in ["wheelchair", "glasses"] {
            let without = with.replace(trait_name, "kind");
            assert_ne!(
                draw(&with, 128, 128),
                draw(&without, 128, 128),
                "{trait_name}"
            );
        }
    }
}
