//! From pixels to three deep colours: shrink, count, cluster, choose, deepen.
//!
//! The picture is averaged down to at most 128 x 128 (noise and outlines vanish, shares stay), its
//! pixels are counted in 32 768 boxes of RGB, the boxes clustered by k-means in OKLab, and three
//! clusters chosen for how much of the picture they cover, how colourful they are, and how far they
//! lie from those already chosen. Nothing is random: the first centre is the fullest box.

use image::RgbImage;

use super::oklab::Oklab;
use super::{CONTRAST_WITH_WHITE_MIN, HexColor};

/// Longer side, in pixels, of the picture that is counted.
const REDUCED_SIDE_MAX: u32 = 128;
const CLUSTERS_MAX: usize = 8;
const ROUNDS_MAX: usize = 16;
/// OKLab lightness of the deepest and of the lightest deep colour.
const DEEP_LIGHTNESS: std::ops::RangeInclusive<f32> = 0.27..=0.51;
/// Smallest OKLab distance between two of the three colours.
const SEPARATION_MIN: f32 = 0.10;

/// A part of the picture that has one colour.
#[derive(Clone, Copy, Debug)]
struct Patch {
    color: Oklab,
    /// Share of the picture, 0 to 1.
    share: f32,
}

/// Three deep colours of a picture, the most characteristic first.
///
/// Each has a contrast with white of at least [`CONTRAST_WITH_WHITE_MIN`], each two differ clearly
/// in hue or lightness, also for a picture of a single colour. The same pixels give the same
/// colours. A picture without pixels counts as grey.
pub fn deep_colors_of(picture: &RgbImage) -> [HexColor; 3] {
    let mut chosen = Vec::with_capacity(3);
    let mut patches = clusters(&boxes(picture));
    while chosen.len() < 3 {
        let best = patches
            .iter()
            .enumerate()
            .map(|(index, patch)| (index, appeal(patch) * separation(patch, &chosen)))
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
            .filter(|(_, score)| *score > 0.0);
        match best {
            Some((index, _)) => chosen.push(deepened(patches.swap_remove(index).color)),
            // Too few colours in the picture: repeat the last, `spread` will tell them apart.
            None => chosen.push(chosen.last().copied().unwrap_or(deepened(Oklab::default()))),
        }
    }
    spread([chosen[0], chosen[1], chosen[2]]).map(readable)
}

/// Counts the averaged pixels of the picture in boxes of eight values a channel.
fn boxes(picture: &RgbImage) -> Vec<Patch> {
    #[derive(Clone, Copy, Default)]
    struct Count {
        sums: [u32; 3],
        pixels: u32,
    }
    let mut counts = vec![Count::default(); 1 << 15];
    let step = picture
        .width()
        .max(picture.height())
        .div_ceil(REDUCED_SIDE_MAX)
        .max(1) as usize;
    let row_bytes = picture.width() as usize * 3;
    let mut sums = vec![[0_u32; 3]; (picture.width() as usize).div_ceil(step)];
    for rows in picture.as_raw().chunks(row_bytes.max(1) * step) {
        sums.fill([0; 3]);
        for row in rows.chunks_exact(row_bytes) {
            for (sum, pixels) in sums.iter_mut().zip(row.chunks(step * 3)) {
                for pixel in pixels.chunks_exact(3) {
                    sum[0] += u32::from(pixel[0]);
                    sum[1] += u32::from(pixel[1]);
                    sum[2] += u32::from(pixel[2]);
                }
            }
        }
        let height = rows.len() / row_bytes;
        for (index, sum) in sums.iter().enumerate() {
            let width = step.min(picture.width() as usize - index * step);
            let mean = sum.map(|sum| sum / (width * height) as u32);
            let number = (mean[0] >> 3) << 10 | (mean[1] >> 3) << 5 | mean[2] >> 3;
            let count = &mut counts[number as usize];
            count.pixels += 1;
            for (total, channel) in count.sums.iter_mut().zip(mean) {
                *total += channel;
            }
        }
    }
    let total: u32 = counts.iter().map(|count| count.pixels).sum();
    counts
        .iter()
        .filter(|count| count.pixels > 0)
        .map(|count| {
            let [r, g, b] = count.sums.map(|sum| (sum / count.pixels) as u8);
            Patch {
                color: HexColor::new(r, g, b).into(),
                share: count.pixels as f32 / total as f32,
            }
        })
        .collect()
}

/// K-means over weighted boxes; centres start far apart.
fn clusters(boxes: &[Patch]) -> Vec<Patch> {
    let mut centres = first_centres(boxes);
    for _ in 0..ROUNDS_MAX {
        let mut sums = vec![(Oklab::default(), 0.0_f32); centres.len()];
        for patch in boxes {
            let nearest = nearest(&centres, patch.color);
            let (sum, share) = &mut sums[nearest];
            sum.lightness += patch.color.lightness * patch.share;
            sum.a += patch.color.a * patch.share;
            sum.b += patch.color.b * patch.share;
            *share += patch.share;
        }
        let mut moved = 0.0_f32;
        for (centre, (sum, share)) in centres.iter_mut().zip(sums) {
            // A centre that lost all its boxes stays where it is, with nothing to its name.
            let color = if share > 0.0 {
                Oklab {
                    lightness: sum.lightness / share,
                    a: sum.a / share,
                    b: sum.b / share,
                }
            } else {
                centre.color
            };
            moved = moved.max(color.distance_squared(centre.color));
            *centre = Patch { color, share };
        }
        if moved < 1e-6 {
            break;
        }
    }
    centres
}

fn nearest(centres: &[Patch], color: Oklab) -> usize {
    let distance = |index: &usize| centres[*index].color.distance_squared(color);
    (0..centres.len())
        .min_by(|one, other| distance(one).total_cmp(&distance(other)))
        .unwrap_or(0)
}

/// The fullest box, then again and again the box that is far from all centres and not too empty.
fn first_centres(boxes: &[Patch]) -> Vec<Patch> {
    let mut centres: Vec<Patch> = Vec::with_capacity(CLUSTERS_MAX);
    let mut gaps = vec![1.0_f32; boxes.len()];
    while centres.len() < CLUSTERS_MAX.min(boxes.len()) {
        let furthest = (0..boxes.len())
            .max_by(|one, other| {
                let worth = |index: usize| gaps[index] * boxes[index].share;
                worth(*one).total_cmp(&worth(*other))
            })
            .filter(|index| gaps[*index] > 1e-6);
        let Some(furthest) = furthest else { break };
        let centre = boxes[furthest];
        for (gap, patch) in gaps.iter_mut().zip(boxes) {
            *gap = gap.min(patch.color.distance_squared(centre.color));
        }
        centres.push(centre);
    }
    centres
}

/// How much a patch characterises its picture: by its size, and more so by its colourfulness.
fn appeal(patch: &Patch) -> f32 {
    if patch.share < 0.004 {
        return 0.0;
    }
    let vivid = (patch.color.chroma() / 0.16).min(1.0);
    // Yellow has no deep shade that looks yellow: it turns to mud, so other hues come first.
    let hue_degrees = patch.color.b.atan2(patch.color.a).to_degrees();
    let loss = if (66.0..=124.0).contains(&hue_degrees) {
        0.45
    } else {
        1.0
    };
    patch.share.sqrt() * (0.2 + vivid * loss)
}

/// 0 when the deepened patch equals a colour already chosen, 1 when it is far from all.
fn separation(patch: &Patch, chosen: &[Oklab]) -> f32 {
    let color = deepened(patch.color);
    chosen
        .iter()
        .map(|other| {
            (color.distance(*other) / (2.0 * SEPARATION_MIN))
                .min(1.0)
                .powi(2)
        })
        .fold(1.0, f32::min)
}

/// The colour at a depth between those of [`DEEP_LIGHTNESS`], its hue kept, a little more vivid.
fn deepened(color: Oklab) -> Oklab {
    let (deepest, lightest) = (*DEEP_LIGHTNESS.start(), *DEEP_LIGHTNESS.end());
    Oklab {
        lightness: deepest + (lightest - deepest) * color.lightness.clamp(0.0, 1.0),
        a: color.a * 1.15,
        b: color.b * 1.15,
    }
    .in_gamut()
}

/// Draws the colours apart in lightness, their order kept, if two of them are too alike.
fn spread(colors: [Oklab; 3]) -> [Oklab; 3] {
    let [one, two, three] = colors;
    let least = one
        .distance(two)
        .min(two.distance(three))
        .min(three.distance(one));
    if least >= SEPARATION_MIN {
        return colors;
    }
    let mut by_lightness = [0, 1, 2];
    by_lightness.sort_by(|x, y| colors[*x].lightness.total_cmp(&colors[*y].lightness));
    let mut apart = colors;
    let (deepest, lightest) = (*DEEP_LIGHTNESS.start(), *DEEP_LIGHTNESS.end());
    for (rank, index) in by_lightness.into_iter().enumerate() {
        let lightness = deepest + (lightest - deepest) * rank as f32 / 2.0;
        apart[index] = Oklab {
            lightness,
            ..colors[index]
        }
        .in_gamut();
    }
    apart
}

fn readable(color: Oklab) -> HexColor {
    let color = HexColor::from(color).readable_under_white();
    debug_assert!(color.contrast_with_white() >= CONTRAST_WITH_WHITE_MIN);
    color
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use proptest::prelude::*;

    use super::*;

    fn assert_deep_and_distinct(colors: [HexColor; 3]) {
        for color in colors {
            let contrast = color.contrast_with_white();
            assert!(
                contrast >= CONTRAST_WITH_WHITE_MIN,
                "{color} has {contrast}"
            );
        }
        for (one, other) in [(0, 1), (1, 2), (2, 0)] {
            let distance = colors[one].distance(colors[other]);
            assert!(distance >= 0.07, "{colors:?}: {distance}");
        }
    }

    fn hue_distance(color: HexColor, other: HexColor) -> f32 {
        let (one, other) = (Oklab::from(color), Oklab::from(other));
        let turn = (one.b.atan2(one.a) - other.b.atan2(other.a))
            .abs()
            .to_degrees();
        turn.min(360.0 - turn)
    }

    #[test]
    fn a_flag_gives_its_three_hues() {
        let stripes = [[230, 60, 50], [60, 160, 80], [60, 90, 220]];
        let flag = RgbImage::from_fn(600, 400, |x, _| Rgb(stripes[x as usize / 200]));
        let colors = deep_colors_of(&flag);
        assert_deep_and_distinct(colors);
        for [r, g, b] in stripes {
            let hue = HexColor::new(r, g, b);
            let nearest = colors
                .iter()
                .map(|color| hue_distance(*color, hue))
                .fold(360.0, f32::min);
            assert!(nearest < 12.0, "{hue} is {nearest} degrees from {colors:?}");
        }
    }

    #[test]
    fn a_small_bright_hero_is_not_lost_in_a_grey_forest() {
        let scene = RgbImage::from_fn(512, 512, |x, y| {
            let hero = (200..300).contains(&x) && (200..300).contains(&y);
            let bark = 90 + ((x * 7 + y * 3) % 40) as u8;
            Rgb(if hero {
                [235, 120, 20]
            } else {
                [bark, bark, bark + 4]
            })
        });
        let colors = deep_colors_of(&scene);
        let orange = HexColor::new(235, 120, 20);
        let near = |color: &HexColor| {
            hue_distance(*color, orange) < 15.0 && Oklab::from(*color).chroma() > 0.06
        };
        assert!(colors.iter().any(near), "{colors:?}");
    }

    #[test]
    fn pictures_of_one_colour_still_give_three() {
        for pixel in [
            [0, 0, 0],
            [255, 255, 255],
            [128, 128, 128],
            [250, 220, 30],
            [0, 0, 255],
        ] {
            assert_deep_and_distinct(deep_colors_of(&RgbImage::from_pixel(40, 40, Rgb(pixel))));
        }
        assert_deep_and_distinct(deep_colors_of(&RgbImage::new(0, 0)));
        assert_deep_and_distinct(deep_colors_of(&RgbImage::new(1, 1)));
    }

    #[test]
    fn the_size_of_a_picture_hardly_matters() {
        let at = |side: u32| {
            deep_colors_of(&RgbImage::from_fn(side, side, |x, y| {
                let (x, y) = (x * 240 / side, y * 240 / side);
                Rgb([x as u8, (120 + y / 3) as u8, 255 - (x / 2 + y / 2) as u8])
            }))
        };
        for (small, large) in at(120).into_iter().zip(at(960)) {
            assert!(small.distance(large) < 0.03, "{small} {large}");
        }
    }

    proptest! {
        #[test]
        fn any_picture_gives_deep_distinct_colours_and_always_the_same(
            width in 1_u32..40, height in 1_u32..40, seed in prop::collection::vec(any::<u8>(), 3..60)
        ) {
            let picture = RgbImage::from_fn(width, height, |x, y| {
                let at = |n: u32| seed[((x / 3 * 5 + y / 4 * 11 + n) as usize) % seed.len()];
                Rgb([at(0), at(1), at(2)])
            });
            let colors = deep_colors_of(&picture);
            assert_deep_and_distinct(colors);
            prop_assert_eq!(colors, deep_colors_of(&picture));
        }
    }
}
