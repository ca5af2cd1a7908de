//! Nothing: the black-box tests are the one binary in `it/`.
