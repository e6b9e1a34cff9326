def pin(der):
    """The sha256// pin of a certificate: over its public key, the seventh part of what is signed."""

    def parts(data):
        while data:
            size, at = data[1], 2
            if size & 0x80:
                at += size & 0x7F
                size = int.from_bytes(data[2:at], "big")
            yield data[0], data[: at + size], data[at : at + size]
            data = data[at + size :]

    _, _, certificate = next(parts(der))
    _, _, signed = next(parts(certificate))
    fields = [whole for tag, whole, _ in parts(signed) if tag != 0xA0]
    digest = hashlib.sha256(fields[5]).digest()
    return "sha256//" + base64.b64encode(digest).decode()

