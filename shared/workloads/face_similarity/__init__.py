"""A face session: wait for a document and a selfie, compare, perhaps a person, save, notify."""
