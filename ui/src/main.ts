import './styles/tokens.css'
import './styles/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { clock } from './lib/state/clock.svelte.ts'
import { theme } from './lib/state/theme.svelte.ts'

theme.start()
clock.start()
mount(App, { target: document.getElementById('app')! })
