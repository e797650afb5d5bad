package main

import (
	"container/list"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"go.etcd.io/bbolt"
)

// featureCache holds so many features, and evicts the one that was not used for longest.
type featureCache struct {
	mu     sync.Mutex
	most   int
	recent *list.List
	byID   map[string]*list.Element
}

type feature struct {
	id    string
	value float64
}

func newFeatureCache(most int) *featureCache {
	return &featureCache{most: most, recent: list.New(), byID: map[string]*list.Element{}}
}

// get returns the values that it has, and the IDs of the others.
func (c *featureCache) get(ids []string) (found map[string]float64, missing []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found = map[string]float64{}
	for _, id := range ids {
		if e, ok := c.byID[id]; ok {
			c.recent.MoveToFront(e)
			found[id] = e.Value.(feature).value
		} else {
			missing = append(missing, id)
		}
	}
	return found, missing
}

func (c *featureCache) put(values map[string]float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, value := range values {
		if c.byID[id] == nil {
			c.byID[id] = c.recent.PushFront(feature{id, value})
		}
	}
	for c.recent.Len() > c.most {
		delete(c.byID, c.recent.Remove(c.recent.Back()).(feature).id)
	}
}

// featureDB is a bbolt file with the features of 100 clients.
type featureDB struct{ db *bbolt.DB }

var featureNames = []string{"age", "visits", "basket", "recency"}

func openFeatureDB(path string) (*featureDB, error) {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return nil, fmt.Errorf("database of features: %w", err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte("features"))
		for client := range 100 {
			for _, name := range featureNames {
				value := binary.BigEndian.AppendUint64(nil, math.Float64bits(float64(client%10)/10))
				err = errors.Join(err, bucket.Put(fmt.Appendf(nil, "client-%d:%s", client, name), value))
			}
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database of features: %w", err), db.Close())
	}
	return &featureDB{db}, nil
}

func (f *featureDB) get(ids []string) (map[string]float64, error) {
	found := map[string]float64{}
	err := f.db.View(func(tx *bbolt.Tx) error {
		for _, id := range ids {
			if value := tx.Bucket([]byte("features")).Get([]byte(id)); value != nil {
				found[id] = math.Float64frombits(binary.BigEndian.Uint64(value))
			}
		}
		return nil
	})
	return found, err
}
