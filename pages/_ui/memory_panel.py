import streamlit as st


def draw(held, device=None):
    st.write("stub")
