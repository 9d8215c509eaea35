// SPDX-License-Identifier: Apache-2.0

// Package cloudtrail proves that CloudTrail log files are the ones CloudTrail
// delivered: none altered, none missing, none added. It reads a bucket or a
// copy of one on disk, needs no network but for what its Source does, and
// signs trails of its own.
//
// # Log files, digests, chains
//
// CloudTrail delivers events in log files. With log file validation switched
// on it also delivers, once an hour, a digest: a list of the log files of that
// hour with the SHA-256 of each, signed with RSA by a key of the region. A
// digest names the one before it, with its hash and signature. So the digests
// of one account, region and trail are a chain; Chain names one. Backfill
// digests, for hours that were digested late, form chains of their own.
//
// # Checking
//
//	root, err := os.OpenRoot("copy")
//	…
//	tree := cloudtrail.Directory{FS: root.FS()}
//	keys, err := tree.Keys()
//	buckets, err := tree.Buckets()
//	v := cloudtrail.Validator{Source: tree, Keys: keys, Buckets: buckets, To: until}
//	report, err := v.Run(ctx)
//
// Run finds every chain by listing, verifies all digests in parallel, joins
// them in memory, and reads every log file they list. Each thing that is wrong
// becomes one Finding with a Code; Codes lists them. The Verdict tells apart
// what was tampered with (bytes contradict what was signed), what is incomplete
// (evidence is absent or cannot be read) and what could not be examined.
// Nothing found is incomplete, never valid.
//
// # Events
//
// Events yields the events of the log files, and each only after the whole of
// its file had the hash that a verified digest states:
//
//	for event, err := range v.Events(ctx, cloudtrail.Filter{Names: []string{"DeleteTrail"}}) {
//		var finding *cloudtrail.Finding
//		switch {
//		case errors.As(err, &finding):
//			// what Run would report; the file it names yields nothing
//		case err != nil:
//			// a malformed event when it wraps ErrEvent, else the end
//		default:
//			fmt.Printf("%s %s\n", event.Text("eventTime"), event.Text("userIdentity", "arn"))
//		}
//	}
//
// Validator.Done is given the report of what was verified on the way. An Event is
// a view of the file's memory, valid until the next step; a Record
// is a copy with types. Two trails that log the same calls yield each of them
// twice, out of different files.
//
// # The trap: the end of the trail
//
// Whoever deletes the newest digests and the log files they list leaves a
// shorter trail in which everything verifies. Say how far it has to reach: set
// To or ExpectThrough, or use a Checkpoint. With none of them, in a copy, the
// tail is "unchecked", and the report says so.
//
// # Strictness
//
// An object is one gzip member and nothing else. A digest is one JSON object
// without a member twice. A log file with a second gzip member shows one thing
// to a reader that stops and another to zcat; it is reported, although its hash
// is right.
//
// # What nothing documents, and what is done here
//
//   - A digest may be signed up to LateDelivery after its end; its key has to be
//     valid at some moment of that time.
//   - logFiles null states nothing: its log files are not exhaustively listed.
//   - A log file that no digest lists is tampering only where digests cover
//     [t, t+LogMargin] of the time t in its name, for every chain of its folder.
//     A second trail without validation in the same folder leaves such files
//     that nobody forged, and no name tells: see CountUnreferenced.
//   - A starting digest that begins before the chain ended is a warning: a quick
//     stop and start of logging may do it.
//   - In a copy without any metadata, the signature of a digest is taken from the
//     one after it, and the newest is left without; that makes the copy
//     incomplete.
//   - Hexadecimal hashes and signatures are compared without regard to case.
//   - A public key whose MD5 is not its fingerprint, or two keys with one
//     fingerprint, verify nothing.
//   - A digest that fails a check is present but believed in nothing: its log
//     files are not read, and its hour is not called missing.
//   - Between a digest and a missing one, one further digest is inferred for each
//     hour.
//   - An event's JSON is as strict as a digest's. A log file that is ambiguous is
//     refused from there on, although its hash is right; events before that place
//     were yielded. So is an event whose eventVersion is not 1.x; later minor
//     versions are accepted, and members that are not known are in the view.
//   - A log file that is too long to be held is read twice, the second time
//     against the hashes of its blocks: see Events.
//
// # Proving one file
//
// Validator.Prove makes a Bundle of one log file: the signed digest that lists
// it, the key, and the file. VerifyBundle judges it by keys that the verifier
// has from elsewhere, without the trail. It proves that CloudTrail delivered the
// file; that nothing is missing beside it, only Run shows.
//
// Follow runs again and again, from checkpoint to checkpoint. VerifyResults
// checks the results of a CloudTrail Lake query by the sign file beside them.
//
// # What this does not protect against
//
// Events that CloudTrail never delivered, or logged before validation was
// switched on. A trail that was stopped by someone allowed to: that is a gap,
// reported as such. Keys that come from where the trail comes from: see
// KeySource. Events newer than the newest digest. Somebody who can sign. What
// stands in an event is what its sender wrote in parts (userAgent, parameters,
// names): escape it before it reaches a terminal, a spreadsheet or a query.
//
// # Writing
//
// Signer builds log files and digests that Validator and the AWS CLI accept,
// with any crypto.Signer. Writer keeps such a trail going, across crashes.
//
// # Concurrency
//
// A Validator, Signer, Writer, Directory and Folder may be used by many
// goroutines at once; an Event by one. Everything else is a value.
package cloudtrail
