//! The landscape that the book and the placeholder share: rolling hills and stars, as functions.

use std::f32::consts::{PI, TAU};

use crate::colors::HexColor;

/// The palette in the order in which a landscape wants it: the coolest colour for the sky first.
pub(crate) fn coolest_first(mut palette: [HexColor; 3]) -> [HexColor; 3] {
    palette.sort_by(|one, other| one.warmth().total_cmp(&other.warmth()));
    palette
}

/// Height of a hill's ridge at `x` (0 left to 1 right), from -1 to 1. Each layer has its own ridge.
pub(crate) fn ridge(layer: u32, x: f32) -> f32 {
    let phase = layer as f32 * 2.1 + 0.4;
    let long = (x * TAU * 0.85 + phase).sin();
    let short = (x * TAU * 1.9 + phase * 2.7).sin();
    0.74 * long + 0.26 * short
}

/// The ten corners of a five-pointed star around the origin, its first point upwards.
pub(crate) fn star(radius: f32) -> [(f32, f32); 10] {
    std::array::from_fn(|corner| {
        let reach = if corner % 2 == 0 {
            radius
        } else {
            radius * 0.46
        };
        let angle = corner as f32 * PI / 5.0 - PI / 2.0;
        (angle.cos() * reach, angle.sin() * reach)
    })
}

/// Places of scattered stars: x and y from 0 to 1, and a size from 0 to 1. Always the same ones:
/// steps of the golden ratio and of its two-dimensional sister fill an area evenly.
pub(crate) fn scattered(count: u32) -> impl Iterator<Item = (f32, f32, f32)> {
    (1..=count).map(|number| {
        let number = number as f32;
        let step = |by: f32| (number * by).fract();
        (step(0.754_877_7), step(0.569_840_3), step(0.618_034))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ridges_stay_within_their_bounds_and_differ() {
        for step in 0..=100 {
            let x = step as f32 / 100.0;
            assert!((0..4).all(|layer| ridge(layer, x).abs() <= 1.0));
        }
        assert!((ridge(0, 0.3) - ridge(1, 0.3)).abs() > 0.1);
    }

    #[test]
    fn the_sky_is_blue_if_anything_is() {
        let [red, green, blue] =
            ["#802010", "#206020", "#202080"].map(|c| c.parse().expect("a colour"));
        assert_eq!(coolest_first([red, green, blue])[0], blue);
    }

    #[test]
    fn a_star_has_its_first_point_on_top() {
        let corners = star(10.0);
        let top = corners.iter().map(|(_, y)| *y).fold(f32::MAX, f32::min);
        assert!((corners[0].1 - top).abs() < 1e-5 && (top + 10.0).abs() < 1e-5);
    }
}
