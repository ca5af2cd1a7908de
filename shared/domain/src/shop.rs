//! A book as a product of somebody's shop: which shop, what of it a shop takes, and why a shop does not take it.

use crate::request::InvalidField;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use url::Url;

/// A shop's own name at Shopify, by which its API is reached: `mybooks.myshopify.com`. No other host is ever asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ShopDomain(String);

const SHOPIFY: &str = ".myshopify.com";
const SHOP_CHARS_MAX: usize = 63;

impl FromStr for ShopDomain {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let name = text.strip_suffix(SHOPIFY).unwrap_or_default();
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_one = (1..=SHOP_CHARS_MAX).contains(&name.len())
            && name.bytes().all(is_part)
            && !name.starts_with('-');
        let problem = "must be the shop's own name, such as mybooks.myshopify.com";
        is_one
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidField::new("shop", problem))
    }
}

impl TryFrom<String> for ShopDomain {
    type Error = InvalidField;

    fn try_from(text: String) -> Result<Self, InvalidField> {
        text.parse()
    }
}

impl fmt::Display for ShopDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What of a product a shop would not take, word for word as documented (S2-025 to S2-027).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProductProblem {
    #[error("Invalid title length")]
    TitleLength,
    #[error("Invalid cover image")]
    CoverImage,
    #[error("Description too long")]
    DescriptionLength,
}

impl ProductProblem {
    /// The part of the product that it is about.
    pub const fn field(self) -> &'static str {
        match self {
            Self::TitleLength => "title",
            Self::CoverImage => "cover",
            Self::DescriptionLength => "description",
        }
    }
}

const TITLE_CHARS_MAX: usize = 255;
const DESCRIPTION_CHARS_MAX: usize = 5_000;

/// What a shop is told of a book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Product {
    title: String,
    description: String,
    cover: Url,
}

/// What is known of a book before any of it is believed.
#[derive(Clone, Copy, Debug)]
pub struct ProductDraft<'d> {
    pub title: &'d str,
    pub description: &'d str,
    /// Address of its picture.
    pub cover: Option<&'d str>,
}

impl Product {
    /// # Errors
    /// All that a shop would not take of it, in the order of the documents (S2-028).
    pub fn new(draft: ProductDraft<'_>) -> Result<Self, Vec<ProductProblem>> {
        let title = draft.title.trim();
        let mut problems = Vec::new();
        if !(1..=TITLE_CHARS_MAX).contains(&title.chars().count()) {
            problems.push(ProductProblem::TitleLength);
        }
        let cover = draft.cover.and_then(picture_address);
        if cover.is_none() {
            problems.push(ProductProblem::CoverImage);
        }
        if draft.description.chars().count() > DESCRIPTION_CHARS_MAX {
            problems.push(ProductProblem::DescriptionLength);
        }
        match cover {
            Some(cover) if problems.is_empty() => Ok(Self {
                title: title.to_owned(),
                description: draft.description.to_owned(),
                cover,
            }),
            _ => Err(problems),
        }
    }
}

/// An address that a shop can fetch a picture from.
fn picture_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Why a shop did not take a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShopFailure {
    /// The access token is not valid any more.
    TokenRejected,
    /// The access token may do other things, but not write products.
    AccessDenied,
    /// Unpaid, or closed by Shopify.
    Frozen,
    /// Locked by Shopify for a while that nobody tells.
    Locked,
    /// There is no such shop.
    NotFound,
    /// Too much was asked of it at once.
    Throttled,
    /// No answer, or none that can be read.
    Unavailable,
    /// It refuses this product.
    Refused,
}

impl ShopFailure {
    /// Every one there is.
    pub const ALL: [Self; 8] = [
        Self::TokenRejected,
        Self::AccessDenied,
        Self::Frozen,
        Self::Locked,
        Self::NotFound,
        Self::Throttled,
        Self::Unavailable,
        Self::Refused,
    ];

    /// As the API tells it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TokenRejected => "SHOP_TOKEN_REJECTED",
            Self::AccessDenied => "SHOP_ACCESS_DENIED",
            Self::Frozen => "SHOP_FROZEN",
            Self::Locked => "SHOP_LOCKED",
            Self::NotFound => "SHOP_NOT_FOUND",
            Self::Throttled => "SHOP_THROTTLED",
            Self::Unavailable => "SHOP_UNAVAILABLE",
            Self::Refused => "PRODUCT_REFUSED",
        }
    }

    /// Whether a moment later it would be no better.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Throttled | Self::Unavailable)
    }

    /// What its owner may do about it. `PRODUCT_REFUSED` in the words of the documents (S2-024); what the shop says goes behind.
    pub const fn words(self) -> &'static str {
        match self {
            Self::TokenRejected => {
                "The shop does not take its access token, or its app, any more. Connect it again."
            }
            Self::AccessDenied => {
                "The app may not write products. Give it the scope write_products."
            }
            Self::Frozen => "The shop is frozen or closed. Its owner settles that with Shopify.",
            Self::Locked => "Shopify has locked the shop. Its owner settles that with Shopify.",
            Self::NotFound => "There is no shop of this name any more. Connect the one there is.",
            Self::Throttled => "The shop was asked for too much at once. Ask again in a minute.",
            Self::Unavailable => "The shop does not answer. Ask again in a few minutes.",
            Self::Refused => "Shopify API error: Product validation failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: ProductDraft<'static> = ProductDraft {
        title: "The Shy Dragon",
        description: "",
        cover: Some("https://cdn.example.com/cover.png"),
    };

    #[test]
    fn everything_that_is_wrong_with_a_product_is_said_at_once_in_the_words_of_the_documents() {
        let long = "a".repeat(256);
        let worst = ProductDraft {
            title: &long,
            description: &"b".repeat(5_001),
            cover: None,
        };
        let problems = Product::new(worst).unwrap_err();
        let words: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "Invalid title length",
                "Invalid cover image",
                "Description too long"
            ]
        );
        let fields: Vec<_> = problems.iter().map(|problem| problem.field()).collect();
        assert_eq!(fields, ["title", "cover", "description"]);
    }

    #[test]
    fn lengths_are_counted_in_characters_up_to_the_last_one_and_a_cover_is_an_address_of_the_web() {
        let (title, description) = ("ü".repeat(255), "ß".repeat(5_000));
        let longest = ProductDraft {
            title: &title,
            description: &description,
            ..GOOD
        };
        assert!(Product::new(longest).is_ok());
        assert!(Product::new(GOOD).is_ok());
        for title in ["", "  "] {
            let blank = ProductDraft { title, ..GOOD };
            assert_eq!(Product::new(blank), Err(vec![ProductProblem::TitleLength]));
        }
        for cover in ["", "cover.png", "file:///cover.png", "https://", "data:,x"] {
            let without = ProductDraft {
                cover: Some(cover),
                ..GOOD
            };
            assert_eq!(
                Product::new(without),
                Err(vec![ProductProblem::CoverImage]),
                "{cover}"
            );
        }
    }

    #[test]
    fn a_shop_is_named_by_shopify_and_no_other_host_is_one() {
        for shop in ["a.myshopify.com", "my-books-2.myshopify.com"] {
            assert_eq!(shop.parse::<ShopDomain>().unwrap().to_string(), shop);
        }
        let long = format!("{}.myshopify.com", "a".repeat(64));
        for other in [
            "",
            "myshopify.com",
            ".myshopify.com",
            "-a.myshopify.com",
            "A.myshopify.com",
            "a.b.myshopify.com",
            "a.myshopify.com.evil.example",
            "evil.example/.myshopify.com",
            "evil.example#.myshopify.com",
            "u@a.myshopify.com",
            "https://a.myshopify.com",
            "a.myshopify.com ",
            &long,
        ] {
            assert!(other.parse::<ShopDomain>().is_err(), "{other}");
        }
    }

    #[test]
    fn no_two_failures_share_a_code() {
        let mut codes: Vec<_> = ShopFailure::ALL.iter().map(|one| one.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ShopFailure::ALL.len());
    }
}
