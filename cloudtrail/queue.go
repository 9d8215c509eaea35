// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import "sync"

// queue hands work to the workers: log files before digests, so that what
// digests list never piles up beyond one digest for each worker.
type queue struct {
	mu      sync.Mutex
	ready   sync.Cond
	digests []digestTask
	batches []*logBatch
	busy    int
	stopped bool
}

// digestTask is a digest to read. With walk it is the next one of a chain that
// is gone through from its newest digest back, and index counts down.
type digestTask struct {
	chain *chainState
	index int
	walk  bool
}

// logBatch is the log files of one digest that are still to be read.
type logBatch struct {
	chain  *chainState
	digest *state
	logs   []LogFile
}

// logTask is one log file to read.
type logTask struct {
	chain  *chainState
	digest *state
	log    LogFile
}

func newQueue() *queue {
	q := new(queue)
	q.ready.L = &q.mu
	return q
}

// next waits for work. It reports false when there is none and nobody is left
// who could add some. After work, done must be called.
func (q *queue) next() (d digestTask, l logTask, isLog, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.stopped:
			return d, l, false, false
		case len(q.batches) > 0:
			b := q.batches[0]
			l = logTask{b.chain, b.digest, b.logs[0]}
			if b.logs = b.logs[1:]; len(b.logs) == 0 {
				q.batches[0] = nil
				q.batches = q.batches[1:]
			}
			q.busy++
			return d, l, true, true
		case len(q.digests) > 0:
			d = q.digests[0]
			q.digests = q.digests[1:]
			q.busy++
			return d, l, false, true
		case q.busy == 0:
			return d, l, false, false
		}
		q.ready.Wait()
	}
}

func (q *queue) done() {
	q.mu.Lock()
	q.busy--
	if q.busy == 0 {
		q.ready.Broadcast()
	}
	q.mu.Unlock()
}

func (q *queue) addLogs(b *logBatch) {
	if len(b.logs) == 0 {
		return
	}
	q.mu.Lock()
	q.batches = append(q.batches, b)
	q.mu.Unlock()
	q.ready.Broadcast()
}

func (q *queue) addDigest(t digestTask) {
	q.mu.Lock()
	q.digests = append(q.digests, t)
	q.mu.Unlock()
	q.ready.Broadcast()
}

// stop makes every next return.
func (q *queue) stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	q.ready.Broadcast()
}
