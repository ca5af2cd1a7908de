//! A picture for when there is none: hills at dusk, stars, and a closed book waiting to be opened,
//! in the colours of the story. It is drawn, not stored.

use std::f32::consts::PI;
use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use crate::colors::HexColor;
use crate::landscape::{coolest_first, ridge, scattered, star};

/// Width and height, in pixels, of the placeholder that stands for an illustration.
pub const PLACEHOLDER_SIZE: u32 = 1024;

/// Largest size that is drawn; a larger wish is served with this.
const SIZE_MAX: u32 = 4096;

/// A PNG of one pixel, the last resort where not even a placeholder can be drawn.
pub const ONE_PIXEL_PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3A, 0x7E, 0x9B, 0x55, 0x00, 0x00,
    0x00, 0x0A, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9C, 0x63, 0xB8, 0x01, 0x00, 0x00, 0xDA, 0x00, 0xD9,
    0x10, 0x4D, 0x04, 0x98, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
];

/// A square placeholder illustration as a PNG of `size` x `size` pixels (at least 1, at most 4096).
///
/// The same size and palette give the same bytes.
pub fn placeholder_png(size: u32, palette: [HexColor; 3]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let drawn = drawing(size.clamp(1, SIZE_MAX), palette);
    match drawn.write_to(&mut bytes, ImageFormat::Png) {
        Ok(()) => bytes.into_inner(),
        Err(_) => ONE_PIXEL_PNG.to_vec(),
    }
}

fn drawing(size: u32, palette: [HexColor; 3]) -> RgbImage {
    let palette = coolest_first(palette);
    let mut canvas = Canvas {
        picture: RgbImage::new(size, size),
        size: size as f32,
    };
    canvas.sky(palette);
    canvas.stars();
    canvas.hill(0, 0.64, palette[1].toned(0.62, 0.8));
    canvas.hill(1, 0.75, palette[2].toned(0.48, 0.9));
    canvas.book(palette);
    // In front of the book, which so stands in the grass.
    canvas.hill(2, 0.89, palette[0].toned(0.34, 1.0));
    canvas.picture
}

/// Pixels addressed from 0 to 1 in both directions.
struct Canvas {
    picture: RgbImage,
    size: f32,
}

impl Canvas {
    /// Lays a colour over the pixels of a rectangle; `cover` tells how much, from 0 to 1, by the
    /// distance to the shape: in pixels, negative inside.
    fn lay(&mut self, area: [f32; 4], color: HexColor, distance: impl Fn(f32, f32) -> f32) {
        let [left, top, right, bottom] = area.map(|edge| edge.clamp(0.0, 1.0) * self.size);
        for y in top.floor() as u32..bottom.ceil() as u32 {
            for x in left.floor() as u32..right.ceil() as u32 {
                let away = distance((x as f32 + 0.5) / self.size, (y as f32 + 0.5) / self.size);
                let cover = (0.5 - away * self.size).clamp(0.0, 1.0);
                if cover > 0.0 {
                    let pixel = self.picture.get_pixel_mut(x, y);
                    *pixel = blended(*pixel, color, cover);
                }
            }
        }
    }

    fn sky(&mut self, palette: [HexColor; 3]) {
        let (zenith, horizon) = (palette[0].toned(0.58, 0.7), palette[1].toned(0.93, 0.55));
        let width = self.picture.width();
        for y in 0..width {
            let share = (y as f32 / self.size / 0.8).min(1.0);
            let color = zenith.mixed(horizon, share * share * (3.0 - 2.0 * share));
            for x in 0..width {
                self.picture.put_pixel(x, y, Rgb(color.channels()));
            }
        }
    }

    fn stars(&mut self) {
        for (x, y, size) in scattered(26) {
            let (y, radius) = (y * 0.5 + 0.03, 0.003 + 0.009 * size * size);
            let corners = star(radius).map(|(dx, dy)| (x + dx, y + dy));
            let area = [x - radius, y - radius, x + radius, y + radius];
            self.lay(area, HexColor::new(255, 250, 232), |px, py| {
                polygon(&corners, px, py)
            });
        }
    }

    fn hill(&mut self, layer: u32, height: f32, color: HexColor) {
        let top = |x: f32| height - 0.055 * ridge(layer, x);
        self.lay([0.0, height - 0.06, 1.0, 1.0], color, |x, y| top(x) - y);
    }

    fn book(&mut self, palette: [HexColor; 3]) {
        let (cx, cy, tilt) = (0.5, 0.655, -PI / 22.0);
        let turned = move |x: f32, y: f32| {
            let (dx, dy) = (x - cx, y - cy);
            (
                dx * tilt.cos() - dy * tilt.sin(),
                dx * tilt.sin() + dy * tilt.cos(),
            )
        };
        let cover = palette[0].toned(0.42, 1.1).readable_under_white();
        let area = [0.31, 0.43, 0.71, 0.88];
        let mut slab = |dx: f32, dy: f32, half: (f32, f32), round: f32, color: HexColor| {
            self.lay(area, color, |x, y| {
                let (u, v) = turned(x, y);
                rounded_box(u - dx, v - dy, half, round)
            });
        };
        let pages = HexColor::new(250, 244, 228);
        let frame = palette[1].toned(0.86, 0.5);
        slab(0.016, 0.012, (0.150, 0.192), 0.020, cover.toned(0.24, 0.8));
        slab(0.011, 0.006, (0.143, 0.187), 0.008, pages);
        slab(0.000, 0.000, (0.148, 0.190), 0.018, cover);
        slab(-0.125, 0.000, (0.007, 0.190), 0.000, cover.toned(0.32, 1.0));
        slab(0.012, -0.012, (0.108, 0.150), 0.012, frame);
        slab(0.012, -0.012, (0.104, 0.146), 0.010, cover);
        let corners = star(0.062);
        let middle = [cx - 0.07, cy - 0.09, cx + 0.09, cy + 0.07];
        self.lay(middle, HexColor::new(255, 226, 150), |x, y| {
            let (u, v) = turned(x, y);
            polygon(&corners, u - 0.012, v + 0.016)
        });
    }
}

fn blended(under: Rgb<u8>, over: HexColor, cover: f32) -> Rgb<u8> {
    let mut channels = under.0;
    for (channel, over) in channels.iter_mut().zip(over.channels()) {
        let mixed = f32::from(*channel) * (1.0 - cover) + f32::from(over) * cover;
        *channel = mixed.round() as u8;
    }
    Rgb(channels)
}

/// Signed distance to a box with rounded corners around the origin, negative inside.
fn rounded_box(x: f32, y: f32, half: (f32, f32), round: f32) -> f32 {
    let (dx, dy) = (x.abs() - half.0 + round, y.abs() - half.1 + round);
    dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - round
}

/// Signed distance to a polygon, negative inside.
fn polygon(corners: &[(f32, f32)], x: f32, y: f32) -> f32 {
    let mut nearest = f32::MAX;
    let mut inside = false;
    let edges = corners.iter().zip(corners.iter().cycle().skip(1));
    for (&(ax, ay), &(bx, by)) in edges {
        let (ex, ey, px, py) = (bx - ax, by - ay, x - ax, y - ay);
        let along = ((px * ex + py * ey) / (ex * ex + ey * ey)).clamp(0.0, 1.0);
        nearest = nearest.min((px - ex * along).hypot(py - ey * along));
        if (ay > y) != (by > y) && px < ex * py / ey {
            inside = !inside;
        }
    }
    if inside { -nearest } else { nearest }
}

#[cfg(test)]
mod tests {
    use crate::picture;

    use super::*;

    const PALETTE: [HexColor; 3] = [
        HexColor::new(45, 49, 120),
        HexColor::new(138, 58, 92),
        HexColor::new(24, 94, 88),
    ];

    #[test]
    fn the_placeholder_is_a_picture_of_the_wanted_size() {
        let bytes = placeholder_png(256, PALETTE);
        let drawn = picture::decode(&bytes).expect("our own PNG decodes");
        assert_eq!(drawn.dimensions(), (256, 256));
        assert_ne!(drawn.get_pixel(5, 5), drawn.get_pixel(5, 250));
        assert_eq!(bytes, placeholder_png(256, PALETTE));
    }

    #[test]
    fn no_size_is_too_small() {
        assert!(picture::decode(&placeholder_png(0, PALETTE)).is_ok());
    }

    #[test]
    fn the_last_resort_is_a_real_picture() {
        let pixel = picture::decode(ONE_PIXEL_PNG).expect("one pixel decodes");
        assert_eq!(pixel.dimensions(), (1, 1));
    }

    #[test]
    fn another_palette_paints_another_picture() {
        let [one, two, three] = PALETTE;
        let other = [one, two, three.toned(0.7, 1.0)];
        assert_ne!(drawing(64, PALETTE), drawing(64, other));
    }
}
