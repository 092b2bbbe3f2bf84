//! Sigma rules: parse, compile, match, correlate.
//! Comes with issue "Detection"; nothing here yet, and no knowledge of Yagura ever.
