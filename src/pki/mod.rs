//! Certificates: the only room that writes under `certs/`.
