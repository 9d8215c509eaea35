// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// counted is a manager that counts and, if asked to, waits or fails.
type counted struct {
	MaterialsManager
	calls atomic.Int64
	wait  chan struct{} // nil: not
	fail  atomic.Pointer[error]
	last  atomic.Pointer[EncryptionMaterials]
	read  atomic.Pointer[DecryptionMaterials]
}

func (c *counted) before() error {
	c.calls.Add(1)
	if c.wait != nil {
		<-c.wait
	}
	if err := c.fail.Load(); err != nil {
		return *err
	}
	return nil
}

func (c *counted) EncryptionMaterials(ctx context.Context, r *EncryptionRequest) (*EncryptionMaterials, error) {
	if err := c.before(); err != nil {
		return nil, err
	}
	m, err := c.MaterialsManager.EncryptionMaterials(ctx, r)
	c.last.Store(m)
	return m, err
}

func (c *counted) DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error) {
	if err := c.before(); err != nil {
		return nil, err
	}
	m, err := c.MaterialsManager.DecryptionMaterials(ctx, r)
	if m != nil {
		c.read.Store(m)
	}
	return m, err
}

// caching returns a caching manager over a counted one.
func caching(t testing.TB, capacity int, edit ...func(*CachingConfig)) (*CachingManager, *counted) {
	t.Helper()
	under := &counted{MaterialsManager: NewMaterialsManager(rawAES(t))}
	cfg := CachingConfig{Manager: under, Cache: must[*MaterialsCache](t)(NewMaterialsCache(capacity)), MaxAge: time.Minute}
	for _, f := range edit {
		f(&cfg)
	}
	return must[*CachingManager](t)(NewCachingManager(cfg)), under
}

func cachedClient(t testing.TB, m MaterialsManager, edit ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{Manager: m, Suite: Suite0478, FrameLength: 64}
	for _, f := range edit {
		f(&cfg)
	}
	return must[*Client](t)(New(cfg))
}

var plainRequest = EncryptionRequest{Suite: Suite0478, PlaintextLength: 10}

func (c *counted) expect(t testing.TB, calls int, m *CachingManager, r EncryptionRequest) *EncryptionMaterials {
	t.Helper()
	got, err := m.EncryptionMaterials(t.Context(), &r)
	require.NoError(t, err)
	require.NoError(t, got.check(&r))
	require.EqualValues(t, calls, c.calls.Load())
	return got
}

// What a caching manager needs, and its bounds, at them and past them (ENV-56).
func TestCachingRefuses(t *testing.T) {
	cache := must[*MaterialsCache](t)(NewMaterialsCache(1))
	good := CachingConfig{Keyring: rawAES(t), Cache: cache, MaxAge: 1}
	_, err := NewCachingManager(good)
	require.NoError(t, err)
	for name, edit := range map[string]func(*CachingConfig){
		"no keyring":               func(c *CachingConfig) { c.Keyring = nil },
		"keyring and manager":      func(c *CachingConfig) { c.Manager = NewMaterialsManager(c.Keyring) },
		"no cache":                 func(c *CachingConfig) { c.Cache = nil },
		"no age":                   func(c *CachingConfig) { c.MaxAge = 0 },
		"negative age":             func(c *CachingConfig) { c.MaxAge = -1 },
		"negative messages":        func(c *CachingConfig) { c.MaxMessages = -1 },
		"2^32+1 messages":          func(c *CachingConfig) { c.MaxMessages = 1<<32 + 1 },
		"negative bytes":           func(c *CachingConfig) { c.MaxBytes = -1 },
		"negative refresh":         func(c *CachingConfig) { c.RefreshBefore = -1 },
		"refresh from the start":   func(c *CachingConfig) { c.RefreshBefore = 1 },
		"partition with zero byte": func(c *CachingConfig) { c.Partition = "a\x00b" },
	} {
		cfg := good
		edit(&cfg)
		_, err := NewCachingManager(cfg)
		require.ErrorIs(t, err, ErrConfig, name)
	}
	_, err = NewMaterialsCache(-1)
	require.ErrorIs(t, err, ErrConfig)
	_, err = NewCachingManager(CachingConfig{Keyring: rawAES(t), Cache: cache, MaxAge: 1, MaxMessages: 1 << 32})
	require.NoError(t, err)
}

// What is encrypted with kept materials opens, has a message id of its own,
// and with a signing suite the one public key (ENV-60).
func TestCachingEncryptDecrypt(t *testing.T) {
	for _, s := range []Suite{Suite0114, Suite0178, Suite0214, Suite0378, Suite0478, Suite0578} {
		m, under := caching(t, 10)
		c := cachedClient(t, m, func(cfg *Config) { cfg.Suite, cfg.Commitment = s, policyFor(s) })
		ec := EncryptionContext{"tenant": "7"}
		ids, points := map[string]bool{}, map[string]bool{}
		for range 3 {
			message, err := c.Encrypt(t.Context(), nil, pattern(200), ec)
			require.NoError(t, err)
			for range 2 {
				got, h, err := c.Decrypt(t.Context(), nil, message, ec)
				require.NoError(t, err)
				require.Equal(t, pattern(200), got)
				ids[string(h.MessageID)], points[h.Context[publicKeyEntry]] = true, true
				require.Equal(t, "7", h.Context["tenant"])
				h.Context["tenant"] = "8" // the caller's own: no later message may see it
			}
			require.Equal(t, EncryptionContext{"tenant": "7"}, ec)
		}
		require.Len(t, ids, 3)
		require.Len(t, points, 1)
		require.EqualValues(t, 2, under.calls.Load(), "one for each direction")
	}
}

// Required pairs come back from the cache as such (ENV-54, ENV-59).
func TestCachingRequired(t *testing.T) {
	m, under := caching(t, 10)
	c := cachedClient(t, m, func(cfg *Config) { cfg.RequiredContextKeys = []string{"r"} })
	ec := EncryptionContext{"r": "x", "s": "y"}
	for range 2 {
		message, err := c.Encrypt(t.Context(), nil, nil, ec)
		require.NoError(t, err)
		for range 2 {
			_, h, err := c.Decrypt(t.Context(), nil, message, ec)
			require.NoError(t, err)
			require.Equal(t, ec, h.Context)
			require.Equal(t, []string{"r"}, h.RequiredKeys)
			h.Context["r"], h.RequiredKeys[0] = "z", "z"
			under.read.Load().Context["r"] = "z" // a manager may do with its own what it wants
		}
		_, _, err = c.Decrypt(t.Context(), nil, message, EncryptionContext{"r": "other"})
		require.ErrorIs(t, err, ErrNoMatchingKey, "another reproduced context misses")
	}
	require.EqualValues(t, 1+1+2, under.calls.Load())
}

// A request that differs in anything gets materials of its own (ENV-58,
// ENV-59).
func TestCachingKeepsApart(t *testing.T) {
	m, under := caching(t, 100)
	base := EncryptionRequest{Suite: Suite0478, Context: EncryptionContext{"a": "b"}, PlaintextLength: 1}
	under.expect(t, 1, m, base)
	calls := 1
	for name, edit := range map[string]func(*EncryptionRequest){
		"suite":       func(r *EncryptionRequest) { r.Suite = Suite0578 },
		"policy":      func(r *EncryptionRequest) { r.Commitment = RequireEncryptAllowDecrypt },
		"no context":  func(r *EncryptionRequest) { r.Context = nil },
		"other value": func(r *EncryptionRequest) { r.Context = EncryptionContext{"a": "c"} },
		"moved text":  func(r *EncryptionRequest) { r.Context = EncryptionContext{"ab": ""} },
		"more pairs":  func(r *EncryptionRequest) { r.Context = EncryptionContext{"a": "b", "": ""} },
		"required":    func(r *EncryptionRequest) { r.RequiredKeys = []string{"a"} },
	} {
		r := base
		edit(&r)
		calls++
		under.expect(t, calls, m, r)
		under.expect(t, calls, m, r)
		under.expect(t, calls, m, base)
		require.Equal(t, calls, len(m.cache.entries), name)
	}
	other := must[*CachingManager](t)(NewCachingManager(CachingConfig{Manager: under, Cache: m.cache, MaxAge: time.Minute}))
	under.expect(t, calls+1, other, base) // a partition of its own
	shared := must[*CachingManager](t)(NewCachingManager(CachingConfig{Manager: under, Cache: m.cache, MaxAge: time.Minute, Partition: other.partition}))
	under.expect(t, calls+1, shared, base)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, other.partition)
}

func TestCachingKeepsDecryptionApart(t *testing.T) {
	ring := rawAES(t)
	written, err := NewMaterialsManager(ring).EncryptionMaterials(t.Context(), &EncryptionRequest{Suite: Suite0478, Context: EncryptionContext{"a": "b"}})
	require.NoError(t, err)
	m, under := caching(t, 100)
	keys := written.EncryptedDataKeys
	base := DecryptionRequest{Suite: Suite0478, EncryptedDataKeys: keys, Context: EncryptionContext{"a": "b"}}
	foreign := EncryptedDataKey{"other", []byte("x"), []byte("y")}
	calls := 0
	ask := func(r DecryptionRequest) error {
		got, err := m.DecryptionMaterials(t.Context(), &r)
		if err == nil {
			require.NoError(t, got.check(&r))
			require.Equal(t, written.DataKey, got.DataKey)
		}
		return err
	}
	require.NoError(t, ask(base))
	require.NoError(t, ask(base))
	calls++
	for name, edit := range map[string]func(*DecryptionRequest){
		"suite":       func(r *DecryptionRequest) { r.Suite = Suite0178; r.Commitment = RequireEncryptAllowDecrypt },
		"policy":      func(r *DecryptionRequest) { r.Commitment = RequireEncryptAllowDecrypt },
		"reproduced":  func(r *DecryptionRequest) { r.Reproduced = EncryptionContext{"a": "b"} },
		"not stored":  func(r *DecryptionRequest) { r.Context, r.Reproduced = nil, EncryptionContext{"a": "b"} },
		"another key": func(r *DecryptionRequest) { r.EncryptedDataKeys = []EncryptedDataKey{keys[0], foreign} },
	} {
		r := base
		edit(&r)
		require.NoError(t, ask(r), name)
		require.NoError(t, ask(r), name)
		calls++
		require.EqualValues(t, calls, under.calls.Load(), name)
	}
	turned := base
	turned.EncryptedDataKeys = []EncryptedDataKey{foreign, keys[0]}
	require.NoError(t, ask(turned), "the order of keys does not matter")
	require.EqualValues(t, calls, under.calls.Load())
	wrong := base
	wrong.Context = EncryptionContext{"a": "c"}
	for range 2 {
		require.ErrorIs(t, ask(wrong), ErrNoMatchingKey)
		calls++
		require.EqualValues(t, calls, under.calls.Load(), "failures are not kept")
	}
}

// The limits, at them and past them (ENV-60).
func TestCachingLimits(t *testing.T) {
	t.Run("messages", func(t *testing.T) {
		m, under := caching(t, 10, func(c *CachingConfig) { c.MaxMessages = 3 })
		for i := range 12 {
			under.expect(t, 1+i/3, m, plainRequest)
		}
	})
	t.Run("one message", func(t *testing.T) {
		m, under := caching(t, 10, func(c *CachingConfig) { c.MaxMessages = 1 })
		for i := range 3 {
			under.expect(t, 1+i, m, plainRequest)
		}
		require.Empty(t, m.cache.entries)
	})
	t.Run("bytes", func(t *testing.T) {
		m, under := caching(t, 10, func(c *CachingConfig) { c.MaxBytes = 30 })
		for i := range 9 {
			under.expect(t, 1+i/3, m, plainRequest)
		}
		empty := plainRequest
		empty.PlaintextLength = 0
		under.expect(t, 3, m, empty)
		under.expect(t, 4, m, plainRequest)
		large := plainRequest
		large.PlaintextLength = 30 // 10 are used
		under.expect(t, 5, m, large)
		under.expect(t, 5, m, empty)
		large.PlaintextLength = 1 // all 30 are used
		under.expect(t, 6, m, large)
		large.PlaintextLength = 31 // more than any entry may have: exempt, and not kept
		under.expect(t, 7, m, large)
		under.expect(t, 8, m, empty)
	})
	t.Run("default bytes", func(t *testing.T) {
		m, under := caching(t, 10)
		huge := plainRequest
		huge.PlaintextLength = 1<<63 - 1
		under.expect(t, 1, m, huge)
		under.expect(t, 2, m, huge) // their sum does not wrap
	})
	t.Run("age", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, under := caching(t, 10)
			c := cachedClient(t, m)
			message := must[[]byte](t)(c.Encrypt(t.Context(), nil, nil, nil))
			must[[]byte](t)(c.Encrypt(t.Context(), nil, nil, nil))
			_, _, err := c.Decrypt(t.Context(), nil, message, nil)
			require.NoError(t, err)
			time.Sleep(time.Minute) // exactly: still good
			must[[]byte](t)(c.Encrypt(t.Context(), nil, nil, nil))
			_, _, err = c.Decrypt(t.Context(), nil, message, nil)
			require.NoError(t, err)
			require.EqualValues(t, 2, under.calls.Load())
			time.Sleep(time.Nanosecond)
			must[[]byte](t)(c.Encrypt(t.Context(), nil, nil, nil))
			require.EqualValues(t, 3, under.calls.Load())
			_, _, err = c.Decrypt(t.Context(), nil, message, nil)
			require.NoError(t, err)
			require.EqualValues(t, 4, under.calls.Load())
		})
	})
	t.Run("shorter age of another manager", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, under := caching(t, 10, func(c *CachingConfig) { c.Partition = "p" })
			short := must[*CachingManager](t)(NewCachingManager(CachingConfig{Manager: under, Cache: m.cache, MaxAge: time.Second, Partition: "p"}))
			under.expect(t, 1, m, plainRequest)
			time.Sleep(time.Second)
			under.expect(t, 1, short, plainRequest)
			time.Sleep(time.Nanosecond)
			under.expect(t, 2, short, plainRequest)
			time.Sleep(time.Second + 1)
			under.expect(t, 3, m, plainRequest) // it may be used no longer than its maker said
		})
	})
}

// Limits hold exactly when everybody comes at once.
func TestCachingLimitsConcurrent(t *testing.T) {
	m, under := caching(t, 10, func(c *CachingConfig) { c.MaxMessages = 25 })
	var mu sync.Mutex
	uses := map[string]int{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 20 {
				r := plainRequest
				got, err := m.EncryptionMaterials(t.Context(), &r)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				uses[string(got.DataKey)]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range uses {
		require.LessOrEqual(t, n, 25)
		total += n
	}
	require.Equal(t, 400, total)
	require.EqualValues(t, len(uses), under.calls.Load())
	require.Less(t, len(uses), 40)
}

// Suites without key derivation, and messages of unknown length under a limit
// on bytes, go past the cache (ENV-57, ENV-110).
func TestCachingBypass(t *testing.T) {
	for _, s := range []Suite{Suite0014, Suite0046, Suite0078} {
		m, under := caching(t, 10)
		c := cachedClient(t, m, func(cfg *Config) { cfg.Suite, cfg.Commitment = s, policyFor(s) })
		message := must[[]byte](t)(c.Encrypt(t.Context(), nil, nil, nil))
		must[[]byte](t)(c.Encrypt(t.Context(), nil, nil, nil))
		for range 2 {
			_, _, err := c.Decrypt(t.Context(), nil, message, nil)
			require.NoError(t, err)
		}
		require.EqualValues(t, 4, under.calls.Load())
		require.Empty(t, m.cache.entries)
	}
	unknown := plainRequest
	unknown.PlaintextLength = -1
	m, under := caching(t, 10, func(c *CachingConfig) { c.MaxBytes = defaultMaxBytes - 1 })
	under.expect(t, 1, m, unknown)
	under.expect(t, 2, m, unknown)
	require.Empty(t, m.cache.entries)
	m, under = caching(t, 10)
	under.expect(t, 1, m, unknown)
	under.expect(t, 1, m, unknown)
	none, under := caching(t, 0)
	under.expect(t, 1, none, plainRequest)
	under.expect(t, 2, none, plainRequest)
}

// A Writer with a bound is of known length to the cache.
func TestCachingWriter(t *testing.T) {
	for bound, calls := range map[int64]int64{0: 2, 40: 1, 41: 2, 81: 2} {
		m, under := caching(t, 10, func(c *CachingConfig) { c.MaxBytes = 80 })
		c := cachedClient(t, m, func(cfg *Config) { cfg.PlaintextBound = bound })
		for range 2 {
			w, err := c.NewWriter(t.Context(), &bytes.Buffer{}, nil)
			require.NoError(t, err)
			require.NoError(t, w.Close())
		}
		require.EqualValues(t, calls, under.calls.Load(), "bound %d", bound)
	}
}

var errFake = errors.New("fake")

// Everybody who misses one entry waits for one call (ENV-61).
func TestCachingSingleFlight(t *testing.T) {
	run := func(t *testing.T, n int, before func(u *counted), each func(m *CachingManager, i int) error) (*counted, []error) {
		m, under := caching(t, 10)
		under.wait = make(chan struct{})
		before(under)
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { errs[i] = each(m, i) })
			synctest.Wait()
		}
		require.EqualValues(t, 1, under.calls.Load())
		close(under.wait)
		wg.Wait()
		require.Empty(t, m.cache.flights)
		return under, errs
	}
	ask := func(ctx context.Context, m *CachingManager) error {
		r := plainRequest
		got, err := m.EncryptionMaterials(ctx, &r)
		if err == nil && bytes.Equal(got.DataKey, make([]byte, 32)) {
			return errors.New("no key")
		}
		return err
	}
	t.Run("shared", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			under, errs := run(t, 50, func(*counted) {}, func(m *CachingManager, _ int) error { return ask(t.Context(), m) })
			require.EqualValues(t, 1, under.calls.Load())
			require.NoError(t, errors.Join(errs...))
		})
	})
	t.Run("failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			under, errs := run(t, 10, func(u *counted) { u.fail.Store(&errFake) }, func(m *CachingManager, _ int) error { return ask(t.Context(), m) })
			require.EqualValues(t, 1, under.calls.Load())
			for _, err := range errs {
				require.ErrorIs(t, err, errFake)
			}
		})
	})
	t.Run("the first gives up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			first := &counted{MaterialsManager: NewMaterialsManager(rawAES(t)), wait: make(chan struct{})}
			m := must[*CachingManager](t)(NewCachingManager(CachingConfig{Manager: first, Cache: must[*MaterialsCache](t)(NewMaterialsCache(1)), MaxAge: 1}))
			first.fail.Store(&context.Canceled)
			var wg sync.WaitGroup
			var err1, err2 error
			wg.Go(func() { err1 = ask(ctx, m) })
			synctest.Wait()
			wg.Go(func() { err2 = ask(t.Context(), m) })
			synctest.Wait()
			cancel()
			first.wait <- struct{}{}
			synctest.Wait()
			first.fail.Store(nil) // the second calls itself
			close(first.wait)
			wg.Wait()
			require.ErrorIs(t, err1, context.Canceled)
			require.NoError(t, err2)
			require.EqualValues(t, 2, first.calls.Load())
		})
	})
	t.Run("one who waits gives up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			_, errs := run(t, 3, func(*counted) {}, func(m *CachingManager, i int) error {
				if i < 2 {
					return ask(t.Context(), m)
				}
				defer cancel()
				ctx, stop := context.WithTimeout(ctx, 0)
				defer stop()
				return ask(ctx, m)
			})
			require.NoError(t, errs[0])
			require.NoError(t, errs[1])
			require.ErrorIs(t, errs[2], context.DeadlineExceeded)
		})
	})
}

// panicking is a manager with a fault.
type panicking struct{ MaterialsManager }

func (panicking) EncryptionMaterials(context.Context, *EncryptionRequest) (*EncryptionMaterials, error) {
	panic("fault")
}

func TestCachingPanic(t *testing.T) {
	m, under := caching(t, 10)
	m.next = panicking{}
	require.Panics(t, func() {
		r := plainRequest
		_, _ = m.EncryptionMaterials(t.Context(), &r)
	})
	require.Empty(t, m.cache.flights)
	m.next = under
	under.expect(t, 1, m, plainRequest)
}

// Before its end an entry is fetched anew by one request, and a failure of
// that is not seen (ENV-61).
func TestCachingRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, under := caching(t, 10, func(c *CachingConfig) { c.RefreshBefore = 20 * time.Second })
		first := under.expect(t, 1, m, plainRequest).DataKey
		time.Sleep(40 * time.Second)
		require.Equal(t, first, under.expect(t, 1, m, plainRequest).DataKey)
		time.Sleep(time.Nanosecond)
		under.fail.Store(&errFake)
		require.Equal(t, first, under.expect(t, 2, m, plainRequest).DataKey, "the old one, as the call failed")
		require.Equal(t, first, under.expect(t, 2, m, plainRequest).DataKey, "not tried again at once")
		time.Sleep(5*time.Second + 1)
		require.Equal(t, first, under.expect(t, 3, m, plainRequest).DataKey)
		under.fail.Store(nil)
		under.wait = make(chan struct{})
		time.Sleep(5*time.Second + 1)
		var wg sync.WaitGroup
		var second []byte
		wg.Go(func() {
			r := plainRequest
			got, err := m.EncryptionMaterials(t.Context(), &r)
			if err != nil {
				t.Error(err)
				return
			}
			second = got.DataKey
		})
		synctest.Wait()
		require.Equal(t, first, under.expect(t, 4, m, plainRequest).DataKey, "nobody else waits")
		time.Sleep(5*time.Second + 1)
		require.Equal(t, first, under.expect(t, 4, m, plainRequest).DataKey, "nor calls too")
		close(under.wait)
		wg.Wait()
		require.NotEqual(t, first, second)
		require.Equal(t, second, under.expect(t, 4, m, plainRequest).DataKey)
		time.Sleep(40 * time.Second)
		require.Equal(t, second, under.expect(t, 4, m, plainRequest).DataKey)
	})
}

// A refresh that fails only after the entry's end fails the request.
func TestCachingRefreshTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, under := caching(t, 10, func(c *CachingConfig) { c.RefreshBefore = 20 * time.Second })
		under.expect(t, 1, m, plainRequest)
		time.Sleep(50 * time.Second)
		under.fail.Store(&errFake)
		under.wait = make(chan struct{})
		var err error
		var wg sync.WaitGroup
		wg.Go(func() {
			r := plainRequest
			_, err = m.EncryptionMaterials(t.Context(), &r)
		})
		time.Sleep(11 * time.Second)
		close(under.wait)
		wg.Wait()
		require.ErrorIs(t, err, errFake)
	})
}

// A full cache drops what was used longest ago, and what it drops is zeroed
// (ENV-61, ENV-106).
func TestCacheCapacity(t *testing.T) {
	m, under := caching(t, 3)
	request := func(tenant string) EncryptionRequest {
		r := plainRequest
		r.Context = EncryptionContext{"tenant": tenant}
		return r
	}
	held := func(tenant string) *cached {
		r := request(tenant)
		return m.cache.entries[encryptID(m.partition, &r)]
	}
	for i, tenant := range []string{"a", "b", "c"} {
		under.expect(t, i+1, m, request(tenant))
	}
	for _, tenant := range []string{"b", "a", "b", "a"} {
		under.expect(t, 3, m, request(tenant))
	}
	dropped := held("c").dataKey
	require.NotEqual(t, make([]byte, 32), dropped)
	under.expect(t, 4, m, request("d"))
	require.Equal(t, make([]byte, 32), dropped)
	require.Nil(t, held("c"))
	under.expect(t, 4, m, request("b"))
	under.expect(t, 4, m, request("a"))
	under.expect(t, 5, m, request("e")) // d goes
	require.Nil(t, held("d"))
	require.Len(t, m.cache.entries, 3)
	last := held("a").dataKey
	m.cache.Clear()
	require.Equal(t, make([]byte, 32), last)
	require.Empty(t, m.cache.entries)
	under.expect(t, 6, m, request("a"))
}

// Expired entries are zeroed when something else is fetched.
func TestCachePrunes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, under := caching(t, 10)
		under.expect(t, 1, m, plainRequest)
		var key []byte
		for _, e := range m.cache.entries {
			key = e.dataKey
		}
		time.Sleep(time.Minute + 1)
		r := plainRequest
		r.Context = EncryptionContext{"other": ""}
		under.expect(t, 2, m, r)
		require.Equal(t, make([]byte, 32), key)
		require.Len(t, m.cache.entries, 1)
	})
}

// What was asked for before Clear is not kept after it.
func TestCacheClearInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, under := caching(t, 10)
		under.wait = make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			r := plainRequest
			if got, err := m.EncryptionMaterials(t.Context(), &r); err != nil || bytes.Equal(got.DataKey, make([]byte, 32)) {
				t.Error(err)
			}
		})
		synctest.Wait()
		m.cache.Clear()
		close(under.wait)
		wg.Wait()
		require.Empty(t, m.cache.entries)
		require.Equal(t, make([]byte, 32), under.last.Load().DataKey)
		under.expect(t, 2, m, plainRequest)
	})
}

// No key is zeroed while it is used: with room for one entry, two tenants and
// many goroutines, every message opens.
func TestCacheZeroesNothingInUse(t *testing.T) {
	m, _ := caching(t, 1)
	c := cachedClient(t, m)
	plain := suiteClient(t, Suite0478, 64)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			ec := EncryptionContext{"tenant": string(rune('a' + i%2))}
			for range 100 {
				message, err := c.Encrypt(t.Context(), nil, pattern(100), ec)
				if err == nil {
					_, _, err = plain.Decrypt(t.Context(), nil, message, ec)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// A key that PKCS #1 cannot tell from a wrong one is not kept (ENV-72).
func TestCachingTentative(t *testing.T) {
	key := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	ring := must[*RawRSA](t)(NewRawRSA(RawRSAConfig{Namespace: "ns", Name: "rsa", Padding: PKCS1v15, Public: &key.PublicKey, Private: key}))
	m, under := caching(t, 10, func(c *CachingConfig) { c.Manager = nil; c.Keyring = ring })
	under.MaterialsManager, m.next = m.next, under
	c := cachedClient(t, m)
	message := must[[]byte](t)(c.Encrypt(t.Context(), nil, nil, nil))
	for i := range 2 {
		_, _, err := c.Decrypt(t.Context(), nil, message, nil)
		require.NoError(t, err)
		require.EqualValues(t, 2+i, under.calls.Load())
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := c.Decrypt(t.Context(), nil, message, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Materials that do not fit are neither kept nor returned.
func TestCachingChecksMaterials(t *testing.T) {
	m, _ := caching(t, 10)
	m.next = wrongMaterials{}
	r := plainRequest
	_, err := m.EncryptionMaterials(t.Context(), &r)
	require.ErrorIs(t, err, ErrMaterials)
	_, err = m.DecryptionMaterials(t.Context(), &DecryptionRequest{Suite: Suite0478})
	require.ErrorIs(t, err, ErrMaterials)
	require.Empty(t, m.cache.entries)
}

type wrongMaterials struct{}

func (wrongMaterials) EncryptionMaterials(context.Context, *EncryptionRequest) (*EncryptionMaterials, error) {
	return &EncryptionMaterials{Suite: Suite0478, DataKey: make([]byte, 31)}, nil
}

func (wrongMaterials) DecryptionMaterials(context.Context, *DecryptionRequest) (*DecryptionMaterials, error) {
	return nil, nil
}
