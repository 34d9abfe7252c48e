package shell

import "heddle.example/thread/status"

type numeric interface {
	~uint8 | ~uint16 | ~uint32 | ~int8
}

// get prints a value when there are no words.
func get[T any](s *Shell, a args, read func() T) error {
	if len(a) > 0 {
		return status.InvalidArgs
	}
	s.Line("%v", read())
	return nil
}

// set takes one number.
func set[T numeric](a args, write func(T) error) error {
	v, err := parse[T](a, 0)
	if err == nil && len(a) > 1 {
		err = status.InvalidArgs
	}
	if err != nil {
		return err
	}
	return write(v)
}

func parse[T numeric](a args, i int) (v T, err error) {
	switch p := any(&v).(type) {
	case *uint8:
		*p, err = a.u8(i)
	case *uint16:
		*p, err = a.u16(i)
	case *uint32:
		*p, err = a.u32(i)
	case *int8:
		*p, err = a.i8(i)
	}
	return v, err
}

// getset prints a value or sets it.
func getset[T numeric](s *Shell, a args, read func() T, write func(T) error) error {
	if len(a) == 0 {
		return get(s, a, read)
	}
	return set(a, write)
}

// text prints or sets a string.
func text(s *Shell, a args, read func() string, write func(string) error) error {
	switch len(a) {
	case 0:
		return get(s, a, read)
	case 1:
		return write(a[0])
	}
	return status.InvalidArgs
}

// onOff takes enable or disable.
func onOff(a args, write func(bool) error) error {
	v, err := a.enable(0)
	if err != nil {
		return err
	}
	return write(v)
}

// showOnOff prints Enabled or Disabled, or takes enable or disable.
func showOnOff(s *Shell, a args, read func() bool, write func(bool) error) error {
	if len(a) == 0 {
		s.enabled(read())
		return nil
	}
	return onOff(a, write)
}

// always makes a setter that cannot fail one that can.
func always[T any](write func(T)) func(T) error {
	return func(v T) error {
		write(v)
		return nil
	}
}
