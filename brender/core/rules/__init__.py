"""One file a noun: what an event writes. Rules call nobody; they write through the ledger and append orders."""
