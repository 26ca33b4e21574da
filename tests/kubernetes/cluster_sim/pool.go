package main

import "sync"

// pool runs work on a fixed number of goroutines.
type pool struct {
	work  chan func()
	group sync.WaitGroup
}

func newPool(size int) *pool {
	p := &pool{work: make(chan func(), size)}
	for range size {
		p.group.Go(func() {
			for f := range p.work {
				f()
			}
		})
	}
	return p
}

// do waits until a goroutine is free.
func (p *pool) do(f func()) { p.work <- f }

// wait ends the pool once all work is done.
func (p *pool) wait() {
	close(p.work)
	p.group.Wait()
}
