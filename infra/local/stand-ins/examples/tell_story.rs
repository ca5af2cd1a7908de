//! Prints the story that the stand-in tells for a request's JSON read from standard input.

use std::io::{Read, Result};

fn main() -> Result<()> {
    let mut request = String::new();
    std::io::stdin().read_to_string(&mut request)?;
    println!("{}", stand_ins::tell_story(&request));
    Ok(())
}
